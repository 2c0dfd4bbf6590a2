"""Everything that a training goes on with, read without running code of the file.

:func:`~infomin_plugin.checkpoints.read_file` keeps tensors and plain containers, which is enough
for weights. To resume, the logs are needed too: MMEngine's ``HistoryBuffer`` over numpy arrays.
They are taken as data and built here; of the file's own objects none is made.
"""

import os
import zipfile
from types import SimpleNamespace
from typing import Any, BinaryIO

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

from .arrays import PickledArray
from .files import CheckpointError, read_file
from .unpickling import StandIn
from .unpickling import Unpickler as WeightsUnpickler

# what a resumed training uses, so that nothing in it may be missing
USED = ('message_hub', 'optimizer', 'param_schedulers')
# Python code in MMEngine's older checkpoints, which Runner.resume would execute
EXECUTED = 'config'


class PickledHistory:
    """Takes the place of a ``HistoryBuffer``; keeps its numbers."""

    state: Any = None

    def __setstate__(self, state: Any) -> None:
        """Keep the attributes."""
        self.state = state

    def restore(self) -> HistoryBuffer:
        """Make the buffer.

        Raises:
            ValueError: If it is none.
        """
        state = self.state if isinstance(self.state, dict) else {}
        values, counts = (state.get(f'_{name}_history') for name in ('log', 'count'))
        length = state.get('max_length')
        if not (isinstance(values, PickledArray) and isinstance(counts, PickledArray)
                and type(length) is int and length > 0):
            raise ValueError('is no whole history')
        values, counts = values.to_tensor().numpy(), counts.to_tensor().numpy()
        if values.ndim != 1 or values.shape != counts.shape:
            raise ValueError(f'is a history of shapes {values.shape} and {counts.shape}')
        return HistoryBuffer(values, counts, length)


class Unpickler(WeightsUnpickler):
    """As for weights; histories and numpy's scalars are kept too."""

    def find_class(self, module: str, name: str) -> Any:
        """See the base class."""
        path = f'{module}.{name}'
        if path == 'mmengine.logging.history_buffer.HistoryBuffer':
            return PickledHistory  # having __setstate__, it takes no attributes from a pickle
        if path in ('numpy.core.multiarray.scalar', 'numpy._core.multiarray.scalar'):
            return lambda dtype, data: _scalar(dtype, data)
        return super().find_class(module, name)


def load_training_state(path: str | os.PathLike, map_location: Any = 'cpu') -> dict:
    """Read a checkpoint of a training, every byte of it verified.

    Args:
        path (str | PathLike): Of a local file, as ``Runner.save_checkpoint`` writes it, or of
            weights alone.
        map_location (Any): See ``torch.load``.

    Returns:
        dict: Its content, histories and arrays restored. Other objects, of which only
        :data:`USED` must have none, are inert stand-ins.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If it is no whole checkpoint, would execute code, or holds something that
            a training goes on with and that cannot be restored.
    """
    read_file(path)  # its checks are all of the file, and its errors say what is wrong
    _check_sums(path)
    pickles = SimpleNamespace(__name__=__name__, Unpickler=Unpickler, load=_load)
    try:
        content = torch.load(
            path, map_location=map_location, pickle_module=pickles, weights_only=False)
        if not isinstance(content, dict):
            raise ValueError(f'is a {type(content).__name__}, not a dict')
        for part in content.keys() - {'state_dict'}:
            try:
                content[part] = _Restorer(strict=part in USED)(content[part])
            except ValueError as error:
                raise ValueError(f'its {part} {error}') from None
    except Exception as error:  # a damaged pickle can fail in any way at all
        raise CheckpointError(f'{path} cannot be resumed: {error}') from error
    if isinstance(content.get('meta'), dict):
        content['meta'].pop(EXECUTED, None)
    return content


def _check_sums(path: str | os.PathLike) -> None:
    """Compare each record of a zip with its check sum, which torch.load does not."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        try:
            damaged = archive.testzip()
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
            raise CheckpointError(f'{path} is damaged: {error}') from None
    if damaged:
        raise CheckpointError(f'{path} is damaged: the check sum of its record {damaged} is wrong')


def _load(file: BinaryIO, **kwargs: Any) -> Any:
    return Unpickler(file, **kwargs).load()


def _scalar(dtype: Any, data: Any) -> np.generic:
    return PickledArray.from_buffer(data, dtype, (), False).to_tensor().numpy()[()]


class _Restorer:
    """Builds histories and arrays within dicts, lists and tuples.

    What is there twice is looked at once: a file can nest references so that a walk along all of
    them never ends.
    """

    def __init__(self, strict: bool) -> None:
        self.strict = strict
        self.seen: dict[int, tuple[Any, Any]] = {}

    def __call__(self, value: Any) -> Any:
        if id(value) not in self.seen:
            restored = self._restore(value)
            self.seen[id(value)] = value, restored  # kept alive: an id is used again after it
        return self.seen[id(value)][1]

    def _restore(self, value: Any) -> Any:
        if isinstance(value, PickledHistory):
            return value.restore()
        if isinstance(value, PickledArray):
            return self._array(value)
        if isinstance(value, dict):
            for key in list(value):
                value[key] = self(value[key])
        elif isinstance(value, list):
            value[:] = [self(each) for each in value]
        elif type(value) is tuple:
            return tuple(self(each) for each in value)
        elif self.strict and isinstance(value, StandIn):
            raise ValueError('holds an object that cannot be restored without running code of the '
                             'file')
        return value

    def _array(self, array: PickledArray) -> np.ndarray | PickledArray:
        try:
            return array.to_tensor().numpy()
        except ValueError:
            if self.strict:
                raise
            return array
