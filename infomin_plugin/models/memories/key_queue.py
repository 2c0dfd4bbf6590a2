"""First-in first-out memory of negative keys (He et al. 2020, section 3.2)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from infomin_plugin.registry import MODELS

from ..gather import gather_rows
from .held import HeldRows


@MODELS.register_module()
class KeyQueue(nn.Module):
    """Ring buffer of L2-normalised keys.

    Starts with random unit vectors. The batch need not divide the length: an update wraps around.
    Keys and write position are buffers, so a checkpoint restores both. New keys are held until the
    optimiser has stepped, however many batches it accumulates.

    Args:
        length (int): Number of keys K, at least 1.
        channels (int): Size C of a key, at least 1.

    Raises:
        ValueError: If an argument is below its bound.
    """

    keys: Tensor
    position: Tensor

    def __init__(self, length: int, channels: int) -> None:
        super().__init__()
        if length < 1 or channels < 1:
            raise ValueError(
                f'KeyQueue needs length >= 1 and channels >= 1, got {length} and {channels}')
        self.length = length
        self.register_buffer('keys', F.normalize(torch.randn(length, channels), dim=1))  # K×C
        self.register_buffer('position', torch.zeros((), dtype=torch.long))
        self.held = HeldRows(length)

    def negatives(self) -> Tensor:
        """Return the K×C keys themselves: they change in :meth:`commit` only, after the step."""
        return self.keys

    def hold(self, keys: Tensor) -> None:
        """Keep N×C keys of this process's batch until :meth:`commit`.

        Raises:
            RuntimeError: If more keys wait than the queue is long.
        """
        self.held.add(keys)

    def commit(self) -> None:
        """Enqueue what is held, of all processes, in order; nothing where nothing is.

        Raises:
            ValueError: See :meth:`enqueue`.
        """
        for (keys, ) in self.held.take():
            self.enqueue(gather_rows(keys))

    @torch.no_grad()
    def enqueue(self, keys: Tensor) -> None:
        """Overwrite the oldest keys.

        Args:
            keys (Tensor): N×C keys of the whole batch, of all processes, N at most K.

        Raises:
            ValueError: If there are more keys than the queue is long, or their size is not C.
        """
        if keys.ndim != 2 or keys.size(1) != self.keys.size(1):
            raise ValueError(f'KeyQueue holds keys of {self.keys.size(1)} channels, '
                             f'got a tensor of shape {tuple(keys.shape)}')
        if keys.size(0) > self.length:
            raise ValueError(
                f'queue of length {self.length} is smaller than the batch of {keys.size(0)} keys '
                '(all processes together): set model.memory.length to at least the batch')
        slots = (self.position + torch.arange(keys.size(0), device=keys.device)) % self.length
        self.keys[slots] = keys.to(self.keys.dtype)
        self.position.add_(keys.size(0)).remainder_(self.length)
