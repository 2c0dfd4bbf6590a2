"""Memory bank: one key for each image of the training set (Wu et al. 2018, section 3)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from infomin_plugin.registry import MODELS

from ..gather import gather_rows
from .held import HeldRows


@MODELS.register_module()
class KeyBank(nn.Module):
    """An L2-normalised key for each image, a moving average of its embeddings.

    Starts with random unit vectors. Keys are a buffer, so a checkpoint restores them. New
    embeddings are held until the optimiser has stepped, however many batches it accumulates.

    Args:
        length (int): Number of images M, at least 1. A config may leave it None: the runner counts
            the training set.
        channels (int): Size C of a key, at least 1.
        num_negatives (int): Negatives K of a step, drawn uniformly with replacement from the whole
            bank: an image's own key is among them about K / M times, as in the authors' code.
            Theirs draws K for each query, and so N×K×C values a step; here the queries of a process
            share them, which leaves each query's distribution as it is. Defaults to 65536.
        momentum (float): Share of the old key that is kept, in [0, 1]. Defaults to 0.5.

    Raises:
        ValueError: If an argument is outside its range.
    """

    keys: Tensor

    def __init__(self, length: int, channels: int, num_negatives: int = 65536,
                 momentum: float = 0.5) -> None:
        super().__init__()
        if min(length, channels, num_negatives) < 1:
            raise ValueError('KeyBank needs length, channels and num_negatives of at least 1, got '
                             f'{length}, {channels} and {num_negatives}')
        if not 0 <= momentum <= 1:
            raise ValueError(f'momentum must lie in [0, 1], got {momentum}')
        self.length = length
        self.num_negatives = num_negatives
        self.momentum = momentum
        self.register_buffer('keys', F.normalize(torch.randn(length, channels), dim=1))  # M×C
        self.held = HeldRows(length)

    def own(self, indices: Tensor | None) -> Tensor:
        """Keys (N×C, copies) of images (N, int64).

        On a GPU the largest index is not looked at, which would wait for the device: the runner
        has compared the length with the number of images.

        Raises:
            ValueError: If there are no indices, or, on a CPU, one is not below ``length``.
        """
        if indices is None:
            raise ValueError("a KeyBank needs to know the images: set "
                             "data_preprocessor.keep=('sample_idx',) and meta_keys of PackViews")
        if indices.device.type == 'cpu' and len(indices) and indices.max() >= self.length:
            raise ValueError(f'KeyBank has {self.length} images, got index {int(indices.max())}: '
                             'set its length to the size of the training set')
        return self.keys[indices]

    def negatives(self) -> Tensor:
        """Draw K keys, K×C, a copy."""
        drawn = torch.randint(self.length, (self.num_negatives, ), device=self.keys.device)
        return self.keys[drawn]

    def hold(self, indices: Tensor, embeddings: Tensor) -> None:
        """Keep N×C embeddings of this process's images (N) until :meth:`commit`.

        Raises:
            RuntimeError: If more embeddings wait than the bank has images.
        """
        self.held.add(indices, embeddings)

    def commit(self) -> None:
        """Update the keys by what is held, of all processes, in order."""
        for indices, embeddings in self.held.take():
            self.update(gather_rows(indices), gather_rows(embeddings))

    @torch.no_grad()
    def update(self, indices: Tensor, embeddings: Tensor) -> None:
        """Move the keys of images (N) towards their embeddings (N×C unit vectors)."""
        mixed = self.momentum * self.keys[indices] + (1 - self.momentum) * embeddings
        self.keys[indices] = F.normalize(mixed.to(self.keys.dtype), dim=1)
