"""Everything that a training goes on with, read without running code of the file.

:func:`~infomin_plugin.checkpoints.read_file` gives tensors and plain containers, and keeps arrays
and MMEngine's ``HistoryBuffer`` as data. Here they are made into what a resumed training uses; of
the file's own objects none is made.
"""

import os
from typing import Any

import numpy as np

from .arrays import PickledArray, PickledScalar
from .files import CheckpointError, read_file
from .histories import PickledHistory
from .pickled_names import StandIn

# what a resumed training uses, so that nothing in it may be missing
USED = ('message_hub', 'optimizer', 'param_schedulers')
# Python code in MMEngine's older checkpoints, which Runner.resume would execute
EXECUTED = 'config'


def load_training_state(path: str | os.PathLike) -> dict:
    """Read a checkpoint of a training, or of weights alone.

    Args:
        path (str | PathLike): Of a local file, as ``Runner.save_checkpoint`` writes it.

    Returns:
        dict: Its content, tensors on the CPU, histories and arrays restored. Other objects, of
        which only :data:`USED` must have none, are inert stand-ins.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If it is no whole checkpoint, would execute code, or holds something that
            a training goes on with and that cannot be restored.
    """
    content = read_file(path)
    if not isinstance(content, dict):
        raise CheckpointError(f'{path} is no checkpoint: it holds a {type(content).__name__}, not '
                              'a dict')
    for part in content.keys() - {'state_dict'}:
        try:
            content[part] = _Restorer(strict=part in USED)(content[part])
        except (ValueError, RecursionError) as error:
            reason = 'is nested too deeply' if isinstance(error, RecursionError) else error
            raise CheckpointError(f'{path} cannot be resumed: its {part} {reason}') from None
    if isinstance(content.get('meta'), dict):
        content['meta'].pop(EXECUTED, None)
    return content


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
        if isinstance(value, PickledScalar):
            number = self._array(value.array)
            return number[()] if isinstance(number, np.ndarray) else value
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
