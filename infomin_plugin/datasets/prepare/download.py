"""Downloads that go on where they were cut off.

torchvision's, torch.hub's and mmengine's downloaders begin again from the first byte.
"""

import http.client
import os
import ssl
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from infomin_plugin.version import __version__

from .files import BLOCK, PrepareError, Update, has_digest, ignore, need_space

_BROKEN_LINE = (urllib.error.URLError, ConnectionError, TimeoutError, ssl.SSLError,
                http.client.HTTPException)
_PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


def mirrored(url: str, mirror: str | None) -> str:
    """The same path on another server.

    Args:
        url: The original address.
        mirror: ``http[s]://HOST[:PORT][/PREFIX]`` to take the place of scheme and host, or None.

    Raises:
        PrepareError: If the mirror is no such address.
    """
    if mirror is None:
        return url
    parts = urlsplit(mirror)
    if parts.scheme not in ('http', 'https') or not parts.netloc or parts.query or parts.fragment:
        raise PrepareError(f'mirror must be http[s]://HOST[/PREFIX], but it is {mirror!r}')
    path = parts.path.rstrip('/') + urlsplit(url).path
    return urlunsplit((parts.scheme, parts.netloc, path, '', ''))


def download(url: str, path: Path, digest: str, update: Update = ignore, attempts: int = 5,
             pause: float = 1, timeout: float = 60) -> None:
    """Fetch a file, which appears under its name when it is complete and its checksum is right.

    What has arrived is kept in ``PATH.part``. The next attempt, in this run or another, asks for
    the rest only (RFC 9110, ``Range`` and ``If-Range``), or begins again where the server cannot
    do that or has another version of the file.

    Args:
        url: Address, http or https.
        path: File to write, in a folder that exists.
        digest: Its checksum, ``'md5:HEX'`` or ``'sha256:HEX'``.
        update: Told the bytes there are.
        attempts: So many in a row may fail; one that brings something new begins the count again.
        pause: Seconds after the first of them; doubled after each.
        timeout: Seconds without a byte after which an attempt has failed.

    Raises:
        PrepareError: If the server refuses, cannot be reached or sends something else. What has
            the wrong checksum is kept as ``PATH.bad``.
        OSError: If the file cannot be written.
    """
    part = path.with_name(f'{path.name}.part')
    most, failures = _size(part), 0
    while True:
        try:
            _transfer(url, part, update, timeout)
            break
        except _BROKEN_LINE as error:
            refused = isinstance(error, urllib.error.HTTPError) and (
                error.code < HTTPStatus.INTERNAL_SERVER_ERROR and error.code not in _PASSING)
            failures = 1 if _size(part) > most else failures + 1
            most = max(most, _size(part))
            if refused or failures >= attempts:
                raise PrepareError(
                    f'{url} cannot be downloaded: {error}. Run it again later, it goes on from '
                    f'byte {_size(part)}; name another server by --mirror; or put the file at '
                    f'{path} by hand') from error
            time.sleep(pause * 2 ** (failures - 1))
    if not has_digest(part, digest, update):
        bad = path.with_name(f'{path.name}.bad')
        os.replace(part, bad)
        _tag(part).unlink(missing_ok=True)
        raise PrepareError(
            f'what {url} gave has not the checksum {digest}; it is kept as {bad} '
            f'({_size(bad)} bytes): see what it is (a page of a proxy?), delete it and run again')
    os.replace(part, path)
    _tag(part).unlink(missing_ok=True)


def _transfer(url: str, part: Path, update: Update, timeout: float) -> None:
    """Append what is lacking in one request.

    Raises one of ``_BROKEN_LINE`` if the rest has not come.
    """
    headers = {'User-Agent': f'infomin_plugin/{__version__}', 'Accept-Encoding': 'identity'}
    there = _size(part)
    tag = _tag(part).read_text() if there and _tag(part).is_file() else ''
    if tag:
        headers |= {'Range': f'bytes={there}-', 'If-Range': tag}
    try:
        response = urllib.request.urlopen(urllib.request.Request(url, headers=headers),
                                          timeout=timeout)
    except urllib.error.HTTPError as error:
        if not tag or error.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        if error.headers.get('Content-Range') == f'bytes */{there}':
            return  # all of it is there: the run before ended between the last byte and its name
        _tag(part).unlink()
        raise ConnectionError(f'it has fewer than the {there} bytes in {part}') from error
    with response:
        done, total = _extent(response, url, there)
        if not done:
            part.unlink(missing_ok=True)
            _tag(part).write_text(_validator(response.headers))
        if total is not None:
            need_space(part.parent, total - done, f'{url} cannot be downloaded')
        with part.open('ab') as file:
            while block := response.read(BLOCK):
                file.write(block)
                done += len(block)
                update(done, total)
    if total is not None and done != total:
        raise ConnectionError(f'the connection ended at byte {done} of {total}')


def _extent(response: http.client.HTTPResponse, url: str, there: int) -> tuple[int, int | None]:
    """The byte with which a response begins, and how many the whole file has."""
    if response.status != HTTPStatus.PARTIAL_CONTENT:
        length = response.headers.get('Content-Length')
        return 0, None if length is None else int(length)
    content_range = response.headers.get('Content-Range', '')
    first, _, total = content_range.removeprefix('bytes ').partition('/')
    if first.partition('-')[0] != str(there):
        raise PrepareError(f'{url}: the server was asked for the bytes from {there}, but it sends '
                           f'{content_range!r}; name another server by --mirror')
    return there, int(total) if total.isdecimal() else None


def _validator(headers: http.client.HTTPMessage) -> str:
    """What tells this version of a file from others; '' if nothing does."""
    tag = headers.get('ETag', '')
    # a weak tag may not be sent back in If-Range
    return tag if tag.startswith('"') else headers.get('Last-Modified', '')


def _tag(part: Path) -> Path:
    return part.with_name(f'{part.name}.version')


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
