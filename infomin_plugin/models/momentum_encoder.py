"""Slowly moving copy of an encoder (He et al. 2020, equation 2)."""

from copy import deepcopy

import torch
from torch import Tensor, nn


class MomentumEncoder(nn.Module):
    """Exponential moving average of an encoder's parameters.

    Unlike MMEngine's averaged models, only parameters follow: the copy's batch norm stays in
    training mode and gathers running statistics of its own, as in the authors' code.

    Args:
        encoder (nn.Module): Encoder to copy and follow.
        momentum (float): Share of the old value that is kept, in [0, 1].

    Raises:
        ValueError: If ``momentum`` is outside [0, 1].
    """

    def __init__(self, encoder: nn.Module, momentum: float) -> None:
        super().__init__()
        if not 0 <= momentum <= 1:
            raise ValueError(f'momentum must lie in [0, 1], got {momentum}')
        self.momentum = momentum
        self.module = deepcopy(encoder).requires_grad_(False)

    @torch.no_grad()
    def copy_from(self, encoder: nn.Module) -> None:
        """Become an exact copy of ``encoder``, parameters and buffers."""
        self.module.load_state_dict(encoder.state_dict())

    @torch.no_grad()
    def update(self, encoder: nn.Module) -> None:
        """Move every parameter towards ``encoder``'s: ``m * own + (1 - m) * encoder``."""
        for own, source in zip(self.module.parameters(), encoder.parameters(), strict=True):
            own.lerp_(source, 1 - self.momentum)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Embed without gradient."""
        return self.module(images)
