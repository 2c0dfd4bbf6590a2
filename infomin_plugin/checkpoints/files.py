"""Files of tensors: reading without running code, writing all or nothing."""

import os
from collections import OrderedDict
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from uuid import uuid4

import torch
from torch import Tensor

from infomin_plugin.version import __version__

from .pickled_names import ForbiddenGlobalError
from .records import ZIP_START, OtherFileError, read_legacy, read_zip

if TYPE_CHECKING:
    from .trunk import Trunk

TAR_MARK, TAR_MARK_AT = b'ustar', 257
CHARACTERS_SHOWN = 300


class CheckpointError(ValueError):
    """A file of weights is not what it should be; the message names the file."""


def read_file(path: str | os.PathLike) -> Any:
    """Read what ``torch.save`` wrote, or a pickled dict of arrays, without running its code.

    Both forms of ``torch.save`` are read, the zip and the older one. Objects other than tensors
    and plain containers (logs, options) come back as inert stand-ins, see
    :mod:`infomin_plugin.checkpoints.pickled_names`; numpy arrays as
    :class:`~infomin_plugin.checkpoints.arrays.PickledArray`. Neither time nor memory goes beyond
    what the file's size is worth, see :mod:`infomin_plugin.checkpoints.unpickling`.

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
    with path.open('rb') as file:
        start = file.read(TAR_MARK_AT + len(TAR_MARK))
    if start[TAR_MARK_AT:] == TAR_MARK:
        raise CheckpointError(f'{path} is a tar archive; the tensors in it, saved again by '
                              'torch.save, are needed')
    try:
        return read_zip(path) if start.startswith(ZIP_START) else read_legacy(path)
    except ForbiddenGlobalError as error:
        raise CheckpointError(
            f'{path} is refused: loading it would call {shown(error.name)}, which is no part of a '
            'checkpoint. Nothing was executed. If you trust the file, load it yourself and save '
            'its state_dict alone') from None
    except OtherFileError as error:
        raise CheckpointError(f'{path} {error}') from None
    except Exception as error:  # a damaged file can fail in any way at all
        raise CheckpointError(
            f'{path} ({path.stat().st_size} bytes) is not a complete PyTorch checkpoint: '
            f'{type(error).__name__}: {shown(str(error))}') from error


def read_training(path: str | os.PathLike) -> dict[str, Any]:
    """Read a training checkpoint of MMEngine's form, see :func:`read_file`.

    Args:
        path (str | PathLike): A local file.

    Returns:
        dict: With ``state_dict``, tensors by their names, and ``meta``, a dict.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: See :func:`read_file`; or if it is of another form.
    """
    content = read_file(path)
    state = content.get('state_dict') if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(
            isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items()):
        raise CheckpointError(f'{path} is no training checkpoint: it has no state_dict of tensors')
    meta = content.get('meta')
    return {**content, 'meta': meta if isinstance(meta, dict) else {}}


def shown(text: str) -> str:
    """A text of a file for a message: not long, and nothing that a terminal would obey."""
    text = text if len(text) <= CHARACTERS_SHOWN else f'{text[:CHARACTERS_SHOWN]}…'
    return ''.join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


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
