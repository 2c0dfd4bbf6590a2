"""Files of tensors: reading without running code, writing all or nothing."""

import os
import tarfile
import zipfile
from collections import OrderedDict
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from uuid import uuid4

import torch

from infomin_plugin.version import __version__

from . import unpickling

if TYPE_CHECKING:
    from .trunk import Trunk

ZIP_START = b'PK\x03\x04'


class CheckpointError(ValueError):
    """A file of weights is not what it should be; the message names the file."""


def read_file(path: str | os.PathLike) -> Any:
    """Read what ``torch.save`` wrote, or a pickled dict of arrays, without running its code.

    Both forms of ``torch.save`` are read, the zip and the older one. Objects other than tensors
    and plain containers (logs, options) come back as inert stand-ins, see
    :mod:`infomin_plugin.checkpoints.unpickling`; numpy arrays as
    :class:`~infomin_plugin.checkpoints.arrays.PickledArray`.

    Args:
        path (str | PathLike): A local file.

    Returns:
        Any: Its content, tensors on the CPU.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If it is no checkpoint, is cut short, or would execute code.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'no checkpoint file at {path} (a local file is needed: download '
                                'it first if it lies on the web)')
    _refuse_other_archives(path)
    try:
        pickled = _read_pickled_dict(path)
        if pickled is not None:
            return pickled
        return torch.load(path, map_location='cpu', pickle_module=unpickling, weights_only=False)
    except unpickling.ForbiddenGlobalError as error:
        raise CheckpointError(
            f'{path} is refused: loading it would call {error.name}, which is no part of a '
            'checkpoint. Nothing was executed. If you trust the file, load it yourself and save '
            'its state_dict alone') from None
    except Exception as error:  # a damaged pickle can fail in any way at all
        raise CheckpointError(
            f'{path} ({path.stat().st_size} bytes) is not a complete PyTorch checkpoint: '
            f'{type(error).__name__}: {error}') from error


def _refuse_other_archives(path: Path) -> None:
    """Keep torch.load from handing the file to other loaders of its own."""
    with path.open('rb') as file:
        starts_as_zip = file.read(len(ZIP_START)) == ZIP_START
    if starts_as_zip:
        if not zipfile.is_zipfile(path):
            raise CheckpointError(
                f'{path} ({path.stat().st_size} bytes) is not a complete PyTorch checkpoint: it '
                'begins as one, but its end is missing')
        with zipfile.ZipFile(path) as archive:
            if any(name.split('/')[-1] == 'constants.pkl' for name in archive.namelist()):
                raise CheckpointError(f'{path} is a TorchScript program, not a checkpoint: save '
                                      "the module's state_dict() instead")
    elif tarfile.is_tarfile(path):
        raise CheckpointError(f'{path} is a tar archive; the tensors in it, saved again by '
                              'torch.save, are needed')


def _read_pickled_dict(path: Path) -> dict | None:
    """What ``pickle.dump`` wrote; None for ``torch.save``, whose older form begins with a number.

    Strings of Python 2 are read as Detectron2 does.
    """
    with path.open('rb') as file:
        if file.read(len(ZIP_START)) == ZIP_START:
            return None
        file.seek(0)
        first = unpickling.load(file, encoding='latin1')
    return first if isinstance(first, dict) else None


@contextmanager
def writing_aside(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Open a file that appears under its name only when it is complete and on the disk.

    Several processes may write the same file at once. One that is killed leaves its part behind,
    as ``.NAME.`` and 32 hexadecimal digits.

    Args:
        path (str | PathLike): File to write; one that exists is replaced.

    Yields:
        BinaryIO: To be written to.

    Raises:
        OSError: If the file cannot be written. One that existed is then untouched.
    """
    path = Path(path)
    aside = path.with_name(f'.{path.name}.{uuid4().hex}')
    try:
        with aside.open('xb') as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
        _sync_folder(path.parent)
    finally:
        aside.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Have the new name outlive a power cut, where the file system can say so of a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # the file is complete under its name
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def describe(trunk: 'Trunk') -> dict[str, Any]:
    """What a file of a trunk says of itself in its ``meta``: plain strings and numbers."""
    return dict(
        infomin_plugin=__version__,
        arch=str(trunk.architecture),
        origin=trunk.origin,
        source=trunk.source,
        file=trunk.path.name,
        pretraining=dict(trunk.pretraining))


def write_backbone(path: str | os.PathLike,
                   trunk: 'Trunk',
                   keys: Collection[str] | None = None) -> None:
    """Write a plain backbone: ``state_dict`` in torchvision's names, and where it came from.

    Any MMEngine model takes the file through ``init_cfg=dict(type='Pretrained', checkpoint=path)``
    and ``torch.load(path, weights_only=True)`` reads it. Several processes may write the same file
    at once.

    Args:
        path (str | PathLike): File to write; one that exists is replaced.
        trunk (Trunk): Weights to write.
        keys (Collection[str], optional): Write only these tensors: the share of the trunk that
            one part of a detector holds. Defaults to all.

    Raises:
        OSError: If the file cannot be written. One that existed is then untouched.
    """
    content = dict(
        state_dict=OrderedDict((key, tensor.clone()) for key, tensor in trunk.state_dict.items()
                               if keys is None or key in keys),
        meta=describe(trunk))
    with writing_aside(path) as file:
        torch.save(content, file)
