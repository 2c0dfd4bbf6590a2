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
class Member:
    """Of an archive.

    Attributes:
        name (str): Its path.
        kind (str): ``'file'``, ``'folder'`` or what else it is.
        size (int): Bytes.
        open (Callable): Opens it for reading.
    """

    name: str
    kind: str
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
    with files_of(archive) as files:
        done, total = 0, sum(file.size for file in files)
        need_space(target, total, f'{archive} cannot be unpacked')
        for file in files:
            write(file, target / file.name)
            done += file.size
            update(done, total)


@contextmanager
def files_of(archive: Path) -> Iterator[list[Member]]:
    """Look at all members of a zip or a (compressed) tar, and give its files to be read.

    Raises:
        PrepareError: See :func:`unpack`, but for the disk; on leaving, if a file that was read is
            broken.
    """
    source = _Source(str(archive), archive.stat().st_size)
    with _looked_at(source):
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as file:
                yield _accepted(source, [
                    Member(info.filename, _zip_kind(info), info.file_size,
                           partial(file.open, info)) for info in file.infolist()])
        else:
            with _decompressed(archive) as stream, _tar_members(source, stream) as members:
                yield _accepted(source, members)


@contextmanager
def files_within(archive: Path, member: Member) -> Iterator[list[Member]]:
    """As :func:`files_of`, of a tar in an archive."""
    source = _Source(f'{archive}: {member.name}', member.size)
    with (_looked_at(source), member.open() as stream,
          _tar_members(source, stream) as members):
        yield _accepted(source, members)


def write(member: Member, path: Path) -> None:
    """Write a file of an archive; it appears under its name when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f'.{path.name}.part')
    try:
        with member.open() as source, aside.open('wb') as file:
            shutil.copyfileobj(source, file)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Source:
    """An archive, for messages, and its bytes."""

    name: str
    size: int

    @property
    def limit(self) -> int:
        return MAX_RATIO * self.size + SLACK

    def too_large(self) -> PrepareError:
        return PrepareError(f'{self.name} is refused: its {self.size} bytes would unpack to more '
                            f'than {self.limit}. Nothing of it was unpacked')


@contextmanager
def _looked_at(source: _Source) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise PrepareError(f'{source.name} ({source.size} bytes) is no complete archive: {error}; '
                           'delete it and run again') from error


@contextmanager
def _tar_members(source: _Source, stream: BinaryIO) -> Iterator[list[Member]]:
    bounded = _Bounded(stream, source)
    with tarfile.open(fileobj=bounded, mode='r:') as file:
        members = file.getmembers()
        while bounded.read(MAX_READ):
            pass  # to the end, where the checksum is compared
        yield [Member(info.name, _tar_kind(info), info.size, partial(file.extractfile, info))
               for info in members]


@contextmanager
def _decompressed(archive: Path) -> Iterator[BinaryIO]:
    with archive.open('rb') as file:
        start = file.read(8)
        file.seek(0)
        opener = next((opener for mark, opener in _COMPRESSIONS if start.startswith(mark)), None)
        with opener(file) if opener else nullcontext(file) as stream:
            yield stream


class _Bounded:
    """A stream of an archive, of which neither a lot at once nor too much in all is read."""

    def __init__(self, stream: BinaryIO, source: _Source) -> None:
        self.stream, self.source = stream, source
        self.tell, self.seekable = stream.tell, stream.seekable

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_SET and place > self.source.limit:
            raise self.source.too_large()
        return self._asked(self.stream.seek, place, whence)

    def read(self, length: int) -> bytes:
        if not 0 <= length <= MAX_READ:
            raise tarfile.ReadError(f'a header of {length} bytes')
        if self.stream.tell() > self.source.limit:
            raise self.source.too_large()
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


def _accepted(source: _Source, members: list[Member]) -> list[Member]:
    """The files among members; refuses those that are neither file nor folder, or lie outside."""
    for member in members:
        name = PurePosixPath(member.name)
        if name.is_absolute() or '..' in name.parts:
            raise PrepareError(f'{source.name} is refused: its member {member.name!r} would be '
                               'written outside the folder to unpack to. Nothing of it was '
                               'unpacked')
        if member.kind not in ('file', 'folder'):
            raise PrepareError(f'{source.name} is refused: its member {member.name!r} is a '
                               f'{member.kind}, and data has files only. Nothing of it was '
                               'unpacked')
    files = [member for member in members if member.kind == 'file']
    if sum(file.size for file in files) > source.limit:
        raise source.too_large()
    return files
