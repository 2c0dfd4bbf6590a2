"""Tensors over the bytes of a file, none of which reaches beyond them."""

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from .arrays import MAX_DIMENSIONS, MAX_LENGTH

# Elements that a tensor may have beyond those of its storage, which it repeats with a stride of 0
# (``Tensor.expand``); such are small buffers, and a repetition costs nothing until it is copied.
MAX_REPEATED = 1 << 20


@dataclass(frozen=True)
class Storage:
    """A run of elements of one type.

    Attributes:
        dtype (torch.dtype): Their type.
        content (Tensor): Their bytes (n, uint8), maybe to be filled later.
    """
    dtype: torch.dtype
    content: Tensor = field(repr=False)

    @property
    def length(self) -> int:
        """Number of elements."""
        return len(self.content) // size_of(self.dtype)


def size_of(dtype: torch.dtype) -> int:
    """Bytes of an element."""
    return torch.empty(0, dtype=dtype).element_size()


@dataclass(frozen=True)
class StorageId:
    """How a pickle of ``torch.save`` names a storage, which lies outside it.

    Attributes:
        dtype (torch.dtype): Type of its elements.
        key (str): Its name.
        length (int): Number of its elements.
    """
    dtype: torch.dtype
    key: str
    length: int

    @classmethod
    def parse(cls, value: Any) -> 'StorageId':
        """Understand ``('storage', type, key, location, elements[, view])``.

        Raises:
            ValueError: If it is none.
        """
        if not isinstance(value, tuple) or len(value) not in (5, 6) or value[0] != 'storage':
            raise ValueError('asks for something outside the pickle that is no storage')
        if len(value) == 6 and value[5] is not None:
            raise ValueError('has storages that are parts of others, as torch before 0.4 wrote '
                             'them: save it anew')
        _, kind, key, _, length = value[:5]
        if getattr(kind, 'dtype', None) is None or not isinstance(key, str):
            raise ValueError('has a storage of unknown type')
        if type(length) is not int or not 0 <= length < MAX_LENGTH:
            raise ValueError(f'storage {key} has an impossible number of elements')
        return cls(kind.dtype, key, length)

    @property
    def bytes(self) -> int:
        """Its size."""
        return self.length * size_of(self.dtype)


def rebuild_tensor(storage: Any, offset: Any, size: Any, stride: Any, *ignored: Any) -> Tensor:
    """Stand in for ``torch._utils._rebuild_tensor`` and ``_rebuild_tensor_v2``.

    Args:
        storage (Storage): Where its elements lie.
        offset (int): Index of its first one.
        size (tuple[int]): Its shape.
        stride (tuple[int]): Steps from one element to the next along each dimension.
        *ignored: Whether it needs gradients, its hooks and metadata.

    Returns:
        Tensor: Over the storage's memory.

    Raises:
        ValueError: If an element lies outside the storage, or there are far more than it has.
    """
    if not isinstance(storage, Storage):
        raise ValueError('has a tensor over no storage')
    if not isinstance(size, tuple) or not isinstance(stride, tuple) or not (
            len(size) == len(stride) <= MAX_DIMENSIONS) or not all(
            type(number) is int and 0 <= number < MAX_LENGTH
            for number in (offset, *size, *stride)):
        raise ValueError('has a tensor of an impossible shape')
    elements = math.prod(size)
    last = offset + sum((length - 1) * step for length, step in zip(size, stride, strict=True))
    if elements > max(storage.length, MAX_REPEATED) or (elements and last >= storage.length) or (
            offset > storage.length):
        raise ValueError(f'has a tensor of shape {size}, stride {stride} at {offset}, which '
                         f'reaches beyond the {storage.length} elements of its storage')
    if not elements:
        return torch.empty(size, dtype=storage.dtype)
    memory = storage.content.untyped_storage()
    return torch.empty(0, dtype=storage.dtype).set_(memory, offset, size, stride)


def rebuild_parameter(data: Any, *ignored: Any) -> Tensor:
    """Stand in for ``torch._utils._rebuild_parameter``: the tensor itself, without gradient.

    Raises:
        ValueError: If it is given no tensor.
    """
    if not isinstance(data, Tensor):
        raise ValueError('has a parameter that is no tensor')
    return data
