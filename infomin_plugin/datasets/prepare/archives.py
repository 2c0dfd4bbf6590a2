"""Archives unpacked without trust in the names that they hold."""

import bz2
import gzip
import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from .files import PrepareError, Update, ignore, need_space

_BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError)
# What an archive may unpack to, as a multiple of its size, and beyond that in bytes. Images hardly
# shrink, annotations, which are text, several times; what shrinks a hundred times is no data.
MAX_RATIO, SLACK = 100, 1 << 26
# Bytes that a tar's reader may ask for at once: contents it takes in small blocks, but a header
# says itself how long it is, and is read whole.
MAX_READ = 1 << 20
_COMPRESSIONS = ((b'\x1f\x8b', gzip.open), (b'BZh', bz2.open), (b'\xfd7zXZ', lzma.open))


@dataclass(frozen=True)
class _Member:
    name: str
    kind: str  # 'file', 'folder' or what else it is
    size: int
    open: Callable[[], BinaryIO]


def unpack(archive: Path, target: Path, update: Update = ignore) -> None:
    """Unpack a zip or a (compressed) tar; files of the same names are replaced.

    All members are looked at before the first is written. Each file appears under its name when
    it is complete, so that a killed run leaves no half of one. Owners, modes and times are not
    taken over.

    Args:
        archive: The archive.
        target: Folder to unpack to; made if it is not there.
        update: Told the bytes written.

    Raises:
        PrepareError: If the archive is broken, a member is neither file nor folder or would lie
            outside the target, it would unpack to more than :data:`MAX_RATIO` times its size, or
            the disk is too small.
        OSError: If a file cannot be written.
    """
    target.mkdir(parents=True, exist_ok=True)
    try:
        with _opened(archive) as members:
            for member in members:
                _refuse(member, archive)
            files = [member for member in members if member.kind == 'file']
            done, total = 0, sum(file.size for file in files)
            if total > _limit(archive):
                raise PrepareError(_too_large(archive))
            need_space(target, total, f'{archive} cannot be unpacked')
            for file in files:
                _write(file, target / file.name)
                done += file.size
                update(done, total)
    except _BROKEN as error:
        raise PrepareError(f'{archive} ({archive.stat().st_size} bytes) is no complete archive: '
                           f'{error}; delete it and run again') from error


@contextmanager
def _opened(archive: Path) -> Iterator[list[_Member]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            yield [_Member(info.filename, _zip_kind(info), info.file_size,
                           partial(file.open, info)) for info in file.infolist()]
    else:
        with _decompressed(archive) as stream, tarfile.open(fileobj=stream, mode='r:') as file:
            members = file.getmembers()
            while stream.read(MAX_READ):
                pass  # to the end, where the checksum is compared
            yield [_Member(info.name, _tar_kind(info), info.size,
                           partial(file.extractfile, info)) for info in members]


def _limit(archive: Path) -> int:
    return MAX_RATIO * archive.stat().st_size + SLACK


def _too_large(archive: Path) -> str:
    return (f'{archive} is refused: its {archive.stat().st_size} bytes would unpack to more than '
            f'{_limit(archive)}. Nothing was unpacked')


@contextmanager
def _decompressed(archive: Path) -> Iterator['_Bounded']:
    with archive.open('rb') as file:
        start = file.read(8)
        file.seek(0)
        opener = next((opener for mark, opener in _COMPRESSIONS if start.startswith(mark)), None)
        with opener(file) if opener else nullcontext(file) as stream:
            yield _Bounded(stream, archive)


class _Bounded:
    """A stream of an archive, of which neither a lot at once nor too much in all is read."""

    def __init__(self, stream: BinaryIO, archive: Path) -> None:
        self.stream, self.archive, self.limit = stream, archive, _limit(archive)
        self.tell = stream.tell

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_SET and place > self.limit:
            raise PrepareError(_too_large(self.archive))
        return self._asked(self.stream.seek, place, whence)

    def read(self, length: int) -> bytes:
        if not 0 <= length <= MAX_READ:
            raise tarfile.ReadError(f'a header of {length} bytes')
        if self.stream.tell() > self.limit:
            raise PrepareError(_too_large(self.archive))
        return self._asked(self.stream.read, length)

    @staticmethod
    def _asked(function: Callable, *args: int) -> bytes | int:
        try:
            return function(*args)
        except OSError as error:
            if error.errno is not None:  # of the disk
                raise
            raise tarfile.ReadError(str(error)) from error


def _zip_kind(info: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if info.is_dir():
        return 'folder'
    # 0: made where files have no modes
    return 'file' if kind in (0, stat.S_IFREG) else 'link' if kind == stat.S_IFLNK else 'device'


def _tar_kind(info: tarfile.TarInfo) -> str:
    if info.isdir():
        return 'folder'
    return 'file' if info.isreg() else 'link' if info.issym() or info.islnk() else 'device'


def _refuse(member: _Member, archive: Path) -> None:
    name = PurePosixPath(member.name)
    if name.is_absolute() or '..' in name.parts:
        raise PrepareError(f'{archive} is refused: its member {member.name!r} would be written '
                           'outside the folder to unpack to. Nothing was unpacked')
    if member.kind not in ('file', 'folder'):
        raise PrepareError(f'{archive} is refused: its member {member.name!r} is a {member.kind}, '
                           'and data has files only. Nothing was unpacked')


def _write(member: _Member, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f'.{path.name}.part')
    try:
        with member.open() as source, aside.open('wb') as file:
            shutil.copyfileobj(source, file)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
