"""What downloads, archives and checks share: errors, progress and checksums of files."""

import contextlib
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

BLOCK = 1 << 20

# Told the bytes done and the bytes in all (None: not known).
Update = Callable[[int, int | None], None]


class PrepareError(RuntimeError):
    """Data cannot be fetched or put in place; the message says what to do."""


def ignore(done: int, total: int | None) -> None:
    """Show no progress: an :data:`Update`."""


def has_digest(path: Path, digest: str, update: Update = ignore) -> bool:
    """Tell whether a file has a checksum.

    Args:
        path: The file.
        digest: ``'NAME:HEX'``, where hashlib knows NAME: ``'md5:…'``, ``'sha256:…'``.
        update: Told the bytes read.

    Raises:
        OSError: If the file cannot be read.
    """
    name, wanted = digest.split(':')
    checksum, done, total = hashlib.new(name), 0, path.stat().st_size
    with path.open('rb') as file:
        while block := file.read(BLOCK):
            checksum.update(block)
            done += len(block)
            update(done, total)
    return checksum.hexdigest() == wanted


def still_has_digest(path: Path, digest: str, update: Update = ignore) -> bool:
    """:func:`has_digest`, which remembers in ``PATH.verified`` that it was so.

    A file of the same size and time of change is not read again. Where the folder cannot be
    written, nothing is remembered.
    """
    found = path.stat()
    state = f'{digest} {found.st_size} {found.st_mtime_ns}\n'.encode()
    stamp = path.with_name(f'{path.name}.verified')
    if stamp.is_file() and stamp.read_bytes() == state:
        return True
    if not has_digest(path, digest, update):
        return False
    with contextlib.suppress(OSError):
        stamp.write_bytes(state)
    return True


def need_space(folder: Path, needed: int, what: str) -> None:
    """Refuse to begin what will not fit.

    Args:
        folder: Where it would be written.
        needed: Bytes.
        what: Is about to be done, for the error.

    Raises:
        PrepareError: If the disk has less room.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise PrepareError(f'{what}: {needed:,} bytes are needed, but the disk of {folder} has '
                           f'{free:,} free')
