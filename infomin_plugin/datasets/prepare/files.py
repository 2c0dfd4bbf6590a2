"""What downloads, archives and checks share: errors, progress and checksums of files."""

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
