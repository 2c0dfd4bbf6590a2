"""What the names in a pickle stand for here: builders of tensors and arrays, or nothing at all.

No name is imported. ``torch.load(weights_only=True)`` has such a list too, but refuses the whole
file for the logs and optimiser states that training checkpoints hold beside their tensors. Here
such objects become an inert :class:`StandIn`.
"""

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from .arrays import PickledArray, PickledScalar, PickledType, encode_latin1
from .histories import PickledHistory
from .mappings import counter, ordered_dict
from .storages import rebuild_parameter, rebuild_tensor

# What torch.save writes to bring back tensors.
TENSORS = {
    'torch._utils._rebuild_parameter': rebuild_parameter,
    'torch._utils._rebuild_tensor': rebuild_tensor,
    'torch._utils._rebuild_tensor_v2': rebuild_tensor,
}

# What pickle writes to bring back numpy arrays, of numpy 1 and 2; these are called in its place.
ARRAYS = {
    'numpy.dtype': PickledType,
    **{f'numpy.{core}.multiarray._reconstruct': PickledArray for core in ('core', '_core')},
    **{f'numpy.{core}.multiarray.scalar': PickledScalar for core in ('core', '_core')},
    **{f'numpy.{core}.numeric._frombuffer': PickledArray.from_buffer for core in ('core', '_core')},
}

# MMEngine's logs, kept as data as well.
LOGS = {'mmengine.logging.history_buffer.HistoryBuffer': PickledHistory}

KEPT = TENSORS | ARRAYS | LOGS

# Those that copy what they are first given.
COPYING = {
    '_codecs.encode': encode_latin1,
    'collections.Counter': counter,
    'collections.OrderedDict': ordered_dict,
}

# The element type that torch means by a kind of storage.
STORAGES = {
    f'torch.{name}Storage': dtype for name, dtype in (
        ('BFloat16', torch.bfloat16), ('Bool', torch.bool), ('Byte', torch.uint8),
        ('Char', torch.int8), ('ComplexDouble', torch.complex128),
        ('ComplexFloat', torch.complex64), ('Double', torch.float64), ('Float', torch.float32),
        ('Half', torch.float16), ('Int', torch.int32), ('Long', torch.int64),
        ('Short', torch.int16))
}  # yapf: disable

# What training checkpoints are known to hold beside tensors, under its names of Python 2 and 3:
# optimiser and scheduler states, options.
REPLACED = frozenset({
    'argparse.Namespace', 'collections.defaultdict',
    'copy_reg._reconstructor', 'copyreg._reconstructor', 'datetime.date', 'datetime.datetime',
    'datetime.timedelta', 'pathlib.Path', 'pathlib.PosixPath',
    'pathlib.WindowsPath',
    *(f'{module}.{name}' for module in ('__builtin__', 'builtins')
      for name in ('bool', 'bytearray', 'bytes', 'complex', 'dict', 'float', 'frozenset',
                   'getattr', 'int', 'list', 'long', 'object', 'range', 'set', 'slice', 'str',
                   'tuple')),
    *(f'numpy.{name}' for name in (
        'bool_', 'float16', 'float32', 'float64', 'int8', 'int16', 'int32', 'int64',
        'ndarray', 'uint8', 'uint16', 'uint32', 'uint64')),
    *(f'torch.{name}' for name in (
        'Size', 'bfloat16', 'bool', 'device', 'float16', 'float32', 'float64', 'int16', 'int32',
        'int64', 'int8', 'uint8')),
})  # yapf: disable
REPLACED_PACKAGES = frozenset({'infomin_plugin', 'mmcls', 'mmcv', 'mmdet', 'mmengine', 'mmselfsup'})


class ForbiddenGlobalError(pickle.UnpicklingError):
    """A pickle asks for an object that is no part of a checkpoint's tensors.

    Attributes:
        name (str): Dotted name of what it asked for.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class StandIn:
    """Takes the place of an object that no trunk needs; it is empty."""


@dataclass(frozen=True)
class Name:
    """A name found in a pickle.

    Attributes:
        path (str): Its dotted name.
        call (Callable): What is called in its place.
        dtype (torch.dtype, optional): Of a kind of storage.
        copies (bool): Whether the call takes as long as its first argument is.
    """
    path: str
    call: Callable[..., Any]
    dtype: torch.dtype | None = None
    copies: bool = False


def look_up(path: str) -> Name:
    """Find what a name stands for.

    Args:
        path (str): Module and object, with a dot between them.

    Returns:
        Name: With one of ours to call.

    Raises:
        ForbiddenGlobalError: If the name is on no list.
    """
    if path in COPYING:
        return Name(path, COPYING[path], copies=True)
    if path in KEPT:
        return Name(path, KEPT[path])
    if path in STORAGES:
        return Name(path, _stand_in, STORAGES[path])
    if path in REPLACED or path.split('.')[0] in REPLACED_PACKAGES:
        return Name(path, _stand_in)
    raise ForbiddenGlobalError(path)


def _stand_in(*args: Any, **kwargs: Any) -> StandIn:
    return StandIn()
