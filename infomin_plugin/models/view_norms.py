"""Views of any range on one scale: normalised by their batch, or by fixed statistics."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

Views = Sequence[Tensor]
VIEW_CHANNELS = (1, 2)
# by the name of a buffer that only this kind has in a checkpoint
KINDS = {'mean': 'fixed statistics', 'running_mean': 'their batch'}


class FixedNorm(nn.Module):
    """Normalise by given statistics, which no training moves; checkpoints hold them.

    Args:
        mean (Sequence[float]): A mean for each channel.
        std (Sequence[float]): A standard deviation for each channel, above 0.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer('mean', torch.tensor(mean, dtype=torch.float32))
        self.register_buffer('std', torch.tensor(std, dtype=torch.float32))

    def forward(self, view: Tensor) -> Tensor:
        """Normalise a view, N×c×H×W.

        Raises:
            ValueError: If it has another number of channels.
        """
        if view.ndim != 4 or view.shape[1] != len(self.mean):
            raise ValueError(f'the fixed statistics are of {len(self.mean)} channels, the view is '
                             f'{tuple(view.shape)}')
        return (view - self.mean.view(-1, 1, 1)) / self.std.view(-1, 1, 1)


class ViewNorms(nn.ModuleList):
    """A norm without weights for each view, so that any range of values is one scale.

    Args:
        view_norm (bool | dict): True for the statistics of the batch (in evaluation: running
            ones), which suit any views; ``dict(mean=..., std=...)`` for fixed ones, a value for
            each channel of view 1 and then of view 2; False for none.
        channels (Sequence[int]): Channels of view 1 and view 2. Defaults to (1, 2).

    Raises:
        ValueError: If ``view_norm`` is none of these, has another number of values than the views
            have channels, a value that is not finite, or a deviation that is not positive.
    """

    def __init__(self, view_norm: bool | Mapping[str, Sequence[float]],
                 channels: Sequence[int] = VIEW_CHANNELS) -> None:
        if isinstance(view_norm, Mapping):
            super().__init__(_fixed_norms(view_norm, channels))
        elif isinstance(view_norm, bool):
            super().__init__(nn.BatchNorm2d(number, affine=False) if view_norm else nn.Identity()
                             for number in channels)
        else:
            raise ValueError(f'view_norm is True, False or dict(mean=..., std=...), got '
                             f'{view_norm!r}')

    def forward(self, views: Views) -> list[Tensor]:
        """Normalise two views, each N×c×H×W."""
        return [norm(view) for norm, view in zip(self, views, strict=True)]

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        saved = _kind(key.removeprefix(prefix) for key in state_dict if key.startswith(prefix))
        ours = _kind(self.state_dict())
        if saved and saved != ours:
            raise ValueError(f'the views of the checkpoint were normalised by {saved}, those of '
                             f'the config by {ours or "nothing"}: set the same view_norm')
        super()._load_from_state_dict(state_dict, prefix, *args)


def _fixed_norms(statistics: Mapping[str, Sequence[float]],
                 channels: Sequence[int]) -> Iterator[FixedNorm]:
    if set(statistics) != {'mean', 'std'}:
        raise ValueError(f'fixed statistics of the views are dict(mean=..., std=...), got '
                         f'{dict(statistics)}')
    mean, std = statistics['mean'], statistics['std']
    if not len(mean) == len(std) == sum(channels):
        raise ValueError(f'the views have {" + ".join(map(str, channels))} channels, the fixed '
                         f'statistics {len(mean)} means and {len(std)} deviations: one a channel '
                         'is needed')
    if not all(map(math.isfinite, [*mean, *std])) or min(std) <= 0:
        raise ValueError('fixed statistics must be finite, deviations above 0; got '
                         f'mean={mean}, std={std}')
    start = 0
    for number in channels:
        yield FixedNorm(mean[start:start + number], std[start:start + number])
        start += number


def _kind(names: Iterable[str]) -> str | None:
    """By what views were normalised, from the names of the norms' tensors; None for nothing."""
    found = (KINDS.get(name.rpartition('.')[2]) for name in names)
    return next((kind for kind in found if kind), None)
