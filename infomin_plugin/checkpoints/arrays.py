"""numpy arrays of a pickle: kept as the bytes they are until a tensor is asked for."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

# numpy's codes of the element types that torch has too
CODES = ('b1', 'f2', 'f4', 'f8', 'i1', 'i2', 'i4', 'i8', 'u1')
BYTE_ORDERS = ('<', '>', '|', '=')
MAX_DIMENSIONS = 8
MAX_LENGTH = 1 << 62  # along a dimension: what torch can count


class PickledType:
    """Takes the place of a ``numpy.dtype``; keeps what the pickle says of it."""

    state: Any = None

    def __init__(self, code: Any = None, *ignored: Any) -> None:
        self.code = code

    def __setstate__(self, state: Any) -> None:
        """Keep the state, in which the byte order is."""
        self.state = state

    def to_dtype(self) -> np.dtype:
        """Find numpy's type.

        Raises:
            ValueError: If torch has no such type, or the pickle describes none.
        """
        order = self.state[1] if isinstance(self.state, tuple) and len(self.state) > 1 else '='
        if self.code not in CODES or order not in BYTE_ORDERS:
            raise ValueError(f'is an array of type {_shown(self.code)}, byte order '
                             f'{_shown(order)}; known are {", ".join(CODES)}')
        return np.dtype(self.code).newbyteorder(order)


class PickledArray:
    """Takes the place of a ``numpy.ndarray``; nothing is checked or allocated before its time.

    Training checkpoints hold arrays that no trunk needs, of whatever kind.
    """

    state: Any = None

    def __init__(self, *ignored: Any) -> None:
        """Accept what numpy's constructors are given: a class and an empty shape."""

    def __setstate__(self, state: Any) -> None:
        """Keep (version, shape, type, whether in Fortran's order, bytes)."""
        self.state = state

    @classmethod
    def from_buffer(cls, data: Any, dtype: Any, shape: Any, order: Any) -> 'PickledArray':
        """What pickle's protocol 5 says of an array."""
        array = cls()
        array.state = (1, shape, dtype, order == 'F', data)
        return array

    def to_tensor(self) -> Tensor:
        """Make the tensor: the array's shape, type and values, memory of its own.

        Raises:
            ValueError: If the pickle describes no array, one of a type that torch has not, or of
                another size than its bytes. Memory is taken for no more than these.
        """
        if not isinstance(self.state, tuple) or len(self.state) != 5:
            raise ValueError('is no whole array')
        _, shape, dtype, in_fortran_order, data = self.state
        if not isinstance(dtype, PickledType):
            raise ValueError(f'is an array of unknown type {type(dtype).__name__}')
        dtype = dtype.to_dtype()
        if isinstance(data, str):  # bytes of Python 2
            data = data.encode('latin1')
        if not isinstance(data, bytes | bytearray):
            raise ValueError(f'is an array over a {type(data).__name__} instead of bytes')
        if not isinstance(shape, tuple) or len(shape) > MAX_DIMENSIONS or not all(
                type(length) is int and 0 <= length < MAX_LENGTH for length in shape):
            raise ValueError('is an array of an impossible shape')
        if math.prod(shape) * dtype.itemsize != len(data):
            raise ValueError(f'is an array of shape {shape} and type {dtype.name}, for which its '
                             f'{len(data)} bytes are the wrong number')
        array = np.ndarray(shape, dtype, data, order='F' if in_fortran_order else 'C')
        return torch.from_numpy(array.astype(dtype.newbyteorder('='), order='C'))


class PickledScalar:
    """Takes the place of a number of numpy's: ``scalar(dtype, data)``."""

    def __init__(self, dtype: Any, data: Any = b'') -> None:
        self.array = PickledArray.from_buffer(data, dtype, (), 'C')


def encode_latin1(text: str, encoding: str) -> bytes:
    """Bytes as protocols 0 to 2 write them: ``_codecs.encode(text, 'latin1')``.

    Raises:
        ValueError: If it is no text, or another encoding is asked for.
    """
    if not isinstance(text, str) or encoding not in ('latin1', 'latin-1'):
        raise ValueError(f'bytes are written as text in latin1, not {_shown(encoding)}')
    return text.encode('latin1')


def _shown(value: Any) -> str:
    """A value for a message; a container is not written out, which could take for ever."""
    return repr(value[:40]) if isinstance(value, str) else f'a {type(value).__name__}'
