"""Two layers of batch norm and batches for them, for the tests of precise batch norm."""

import torch
from mmengine.model import BaseModel
from torch import nn


class TwoLayers(BaseModel):
    """Batch norm, a fixed linear map, batch norm; counts its passes by mode."""

    def __init__(self, norm: type[nn.Module] = nn.BatchNorm1d) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.bn1, self.linear, self.bn2 = norm(4), nn.Linear(4, 6), norm(6)
        self.group = nn.GroupNorm(2, 6)
        self.passes = []

    def forward(self, inputs, data_samples=None, mode='tensor'):
        self.passes.append(mode)
        x = self.group(self.bn2(self.linear(self.bn1(inputs))))
        return dict(loss=(x + 0.01 * torch.rand_like(x)).square().sum()) if mode == 'loss' else [x]


def far_apart(sizes=(8, 5, 12)) -> list[dict]:
    """Batches of different sizes, means and spreads."""
    generator = torch.Generator().manual_seed(0)
    # Means far apart: the variance of all values is much above the mean of the variances.
    return [
        dict(inputs=torch.randn(size, 4, generator=generator) * (1 + index) + 7 * index)
        for index, size in enumerate(sizes)
    ]
