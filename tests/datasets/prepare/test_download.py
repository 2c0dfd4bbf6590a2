"""Downloads against a local server: what arrives, and what was asked for."""

import hashlib
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from file_server import serving

from infomin_plugin.datasets.prepare import PrepareError
from infomin_plugin.datasets.prepare.download import download, mirrored

DATA = np.random.default_rng(0).bytes(3_000_001)
OTHER = np.random.default_rng(1).bytes(2_000_000)
CUT = 1_200_000


def sha256(data):
    return f'sha256:{hashlib.sha256(data).hexdigest()}'


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv('no_proxy', '127.0.0.1')


@pytest.fixture
def server():
    with serving() as server:
        server.files['/a/set.tar'] = DATA
        yield server


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'set.tar'


def fetch(server, path, data=DATA, **kwargs):
    download(f'{server.url}/a/set.tar', path, sha256(data), pause=0, **kwargs)


def alone(path):
    """Whether nothing but the file is left."""
    return [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize('digest', [sha256(DATA), f'md5:{hashlib.md5(DATA).hexdigest()}'])
def test_whole_file_in_one_request(server, path, digest):
    seen = []
    download(f'{server.url}/a/set.tar', path, digest, lambda *state: seen.append(state))
    assert path.read_bytes() == DATA and alone(path)
    assert server.requests == [dict(path='/a/set.tar', range=None, sent=len(DATA))]
    assert seen[-1] == (len(DATA), len(DATA))


def test_goes_on_after_a_cut(server, path):
    server.cuts = [CUT, 700]
    fetch(server, path)
    assert path.read_bytes() == DATA and alone(path)
    assert [request['range'] for request in server.requests] == [
        None, f'bytes={CUT}-', f'bytes={CUT + 700}-']
    assert server.sent == len(DATA)  # no byte came twice


def test_goes_on_in_another_run(server, path):
    server.cuts = [CUT]
    with pytest.raises(PrepareError, match=rf'{server.url}/a/set.tar.*byte {CUT} of {len(DATA)}'
                       rf'.*--mirror.*{path}'):
        fetch(server, path, attempts=1)
    assert not path.exists()
    fetch(server, path)
    assert path.read_bytes() == DATA and alone(path) and server.sent == len(DATA)


def test_without_strong_tag_the_date_tells_the_version(server, path):
    server.cuts, server.tag = [CUT], 'W/"1"'
    fetch(server, path)
    assert path.read_bytes() == DATA and server.sent == len(DATA)


def test_begins_again_where_the_server_knows_no_ranges(server, path):
    server.ranges, server.cuts = False, [CUT]
    fetch(server, path)
    assert path.read_bytes() == DATA and alone(path) and server.sent == CUT + len(DATA)


def test_begins_again_where_nothing_tells_the_version(server, path):
    server.tag, server.date, server.cuts = '', '', [CUT]
    fetch(server, path)
    assert path.read_bytes() == DATA
    assert [request['range'] for request in server.requests] == [None, None]


def test_begins_again_if_the_file_has_changed(server, path):
    server.cuts = [CUT]
    with pytest.raises(PrepareError):
        fetch(server, path, attempts=1)
    server.files['/a/set.tar'], server.tag, server.date = OTHER, '"2"', 'Fri, 02 Jan 1970 00:00:00'
    fetch(server, path, OTHER)
    assert path.read_bytes() == OTHER and alone(path)


def test_nothing_is_fetched_if_only_the_name_was_missing(server, path):
    server.cuts = [len(DATA) - 1]
    with pytest.raises(PrepareError):
        fetch(server, path, attempts=1)
    with (path.parent / 'set.tar.part').open('ab') as file:
        file.write(DATA[-1:])
    fetch(server, path)
    assert path.read_bytes() == DATA and alone(path) and server.sent == len(DATA) - 1


def test_begins_again_if_there_is_too_much(server, path):
    server.cuts = [CUT]
    with pytest.raises(PrepareError):
        fetch(server, path, attempts=1)
    with (path.parent / 'set.tar.part').open('ab') as file:
        file.write(DATA)
    fetch(server, path)
    assert path.read_bytes() == DATA and alone(path)


def test_wrong_checksum_is_kept_aside(server, path):
    with pytest.raises(PrepareError, match=rf'{server.url}/a/set.tar.*{sha256(OTHER)}.*'
                       rf'set.tar.bad \({len(DATA)} bytes\).*delete it and run again'):
        fetch(server, path, OTHER)
    bad = path.with_name('set.tar.bad')
    assert alone(bad) and bad.read_bytes() == DATA
    server.files['/a/set.tar'] = OTHER
    fetch(server, path, OTHER)  # and does not go on with the wrong bytes
    assert path.read_bytes() == OTHER


@pytest.mark.parametrize('status', [403, 404, 410])
def test_refusal_is_final(server, path, status):
    server.errors = [status]
    with pytest.raises(PrepareError, match=f'set.tar cannot be downloaded: HTTP Error {status}'):
        fetch(server, path)
    assert len(server.requests) == 1 and not path.exists()


def test_passing_troubles_pass(server, path):
    server.errors = [503, 429, 500, 408]
    fetch(server, path)
    assert path.read_bytes() == DATA and len(server.requests) == 5


def test_gives_up_if_nothing_new_comes(server, path):
    server.cuts = [CUT, 1, 1, 0, 0]  # the last three are the three in a row
    with pytest.raises(PrepareError, match='ended at byte'):
        fetch(server, path, attempts=3)
    assert len(server.requests) == 5 and server.sent == CUT + 2


def test_wrong_range_is_not_taken(server, path):
    server.cuts, server.shift = [CUT], 5
    with pytest.raises(PrepareError, match=f'asked for the bytes from {CUT}.*bytes {CUT + 5}-'):
        fetch(server, path)
    assert not path.exists()


def test_no_server(path):
    with serving() as server:
        pass
    with pytest.raises(PrepareError, match='cannot be downloaded.*refused.*--mirror'):
        fetch(server, path, attempts=2)


def test_full_disk_is_told_before(server, path, monkeypatch):
    monkeypatch.setattr(shutil, 'disk_usage', lambda _: SimpleNamespace(free=len(DATA) - 1))
    with pytest.raises(PrepareError, match='3,000,001 bytes are needed.*3,000,000 free'):
        fetch(server, path)
    assert not path.exists() and not path.with_name('set.tar.part').exists()


@pytest.mark.parametrize('mirror, expected', [
    (None, 'http://original.org/a/b.zip'),
    ('https://mirror.org', 'https://mirror.org/a/b.zip'),
    ('http://mirror.org:81/copies/', 'http://mirror.org:81/copies/a/b.zip'),
])
def test_mirror(mirror, expected):
    assert mirrored('http://original.org/a/b.zip', mirror) == expected


@pytest.mark.parametrize('mirror', ['mirror.org', 'file:///etc', 'http:///x', 'http://a.org?b=c'])
def test_no_mirror(mirror):
    with pytest.raises(PrepareError, match='mirror must be http.*but it is'):
        mirrored('http://original.org/a/b.zip', mirror)
