"""Stands in for the ``pickle`` module and calls nothing but tensor builders.

``torch.load(weights_only=True)`` does the same for bare state dicts, but refuses the whole file
for the logs and optimiser states that training checkpoints hold beside their tensors. Here such
objects become an inert :class:`StandIn`: their classes are neither imported nor called; of a numpy
array only its bytes are kept (:mod:`infomin_plugin.checkpoints.arrays`). A file that asks for
anything else is refused.
"""

import pickle
from functools import partial
from typing import Any, BinaryIO

from .arrays import PickledArray, PickledType, encode_latin1

# What torch.save writes to bring back tensors and state dicts. Only these are really called.
CALLED = frozenset({
    'collections.OrderedDict',
    'torch._utils._rebuild_parameter',
    'torch._utils._rebuild_tensor',
    'torch._utils._rebuild_tensor_v2',
})

# What pickle writes to bring back numpy arrays, of numpy 1 and 2; these are called in its place.
ARRAYS = {
    '_codecs.encode': encode_latin1,
    'numpy.dtype': PickledType,
    **{f'numpy.{core}.multiarray._reconstruct': PickledArray for core in ('core', '_core')},
    **{f'numpy.{core}.numeric._frombuffer': PickledArray.from_buffer for core in ('core', '_core')},
}

# What training checkpoints are known to hold beside tensors, under its names of Python 2 and 3:
# logs (mmengine's HistoryBuffer over numpy arrays), optimiser and scheduler states, options.
REPLACED = frozenset({
    'argparse.Namespace', 'collections.Counter', 'collections.defaultdict',
    'copy_reg._reconstructor', 'copyreg._reconstructor', 'datetime.date', 'datetime.datetime',
    'datetime.timedelta', 'pathlib.Path', 'pathlib.PosixPath',
    'pathlib.WindowsPath',
    *(f'{module}.{name}' for module in ('__builtin__', 'builtins')
      for name in ('bool', 'bytearray', 'bytes', 'complex', 'dict', 'float', 'frozenset',
                   'getattr', 'int', 'list', 'long', 'object', 'range', 'set', 'slice', 'str',
                   'tuple')),
    'numpy.core.multiarray.scalar', 'numpy._core.multiarray.scalar',
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
    """Takes the place of an object that no trunk needs; accepts everything and does nothing."""

    def __new__(cls, *args: Any, **kwargs: Any) -> 'StandIn':
        """Accept any constructor arguments."""
        return super().__new__(cls)

    def __call__(self, *args: Any, **kwargs: Any) -> 'StandIn':
        """Stand in for what the call would have given."""
        return StandIn()

    def __setstate__(self, state: Any) -> None:
        """Drop a pickled state."""

    def __setitem__(self, key: Any, value: Any) -> None:
        """Drop an item of a dict-like object."""

    def append(self, value: Any) -> None:
        """Drop an item of a list-like object."""

    def add(self, value: Any) -> None:
        """Drop an item of a set-like object."""


class Unpickler(pickle.Unpickler):
    """Unpickles tensors and plain containers; see the module."""

    def find_class(self, module: str, name: str) -> Any:
        """Look a global up by its exact name.

        Args:
            module (str): Module that the pickle names.
            name (str): Object in it.

        Returns:
            Any: The tensor builder itself, one of :data:`ARRAYS`, or :class:`StandIn`.

        Raises:
            ForbiddenGlobalError: If the name is on no list. Nothing has been imported then.
        """
        path = f'{module}.{name}'
        if path in CALLED or path in ARRAYS:
            found = super().find_class(module, name) if path in CALLED else ARRAYS[path]
            # a pickle may set attributes on what it is given: a function goes out as a copy
            return found if isinstance(found, type) else partial(found)
        if path in REPLACED or module.split('.')[0] in REPLACED_PACKAGES:
            return StandIn
        raise ForbiddenGlobalError(path)


def load(file: BinaryIO, **kwargs: Any) -> Any:
    """Like ``pickle.load``, restricted.

    Args:
        file (BinaryIO): Open at the start of a pickle.
        **kwargs: ``encoding`` and the like, as of ``pickle.Unpickler``.

    Returns:
        Any: What the pickle holds.

    Raises:
        ForbiddenGlobalError: See :meth:`Unpickler.find_class`.
    """
    return Unpickler(file, **kwargs).load()
