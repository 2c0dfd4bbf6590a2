"""Which ResNet a set of named tensors is."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from .files import CheckpointError, shown

# He et al. 2016, table 1: bottleneck blocks or not, blocks a stage -> depth
DEPTHS = {
    (False, (2, 2, 2, 2)): 18,
    (False, (3, 4, 6, 3)): 34,
    (True, (3, 4, 6, 3)): 50,
    (True, (3, 4, 23, 3)): 101,
    (True, (3, 8, 36, 3)): 152,
}
NORM_KEYS = ('weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked')
NAMES_SHOWN = 4


@dataclass(frozen=True)
class Architecture:
    """Which ResNet.

    Attributes:
        depth (int): 18, 34, 50, 101 or 152.
        base_channels (int): Width of the first stage, 64 in the paper's networks.
        width (int): Channels of the first stage's 3×3 convolutions; equal to ``base_channels``
            in a plain ResNet.
        groups (int): Groups of these convolutions; more than 1 in a ResNeXt.
        views (int): 2 for a pair of such networks, one for each view of a generator.
    """
    depth: int
    base_channels: int = 64
    width: int = 64
    groups: int = 1
    views: int = 1

    def __str__(self) -> str:
        if self.groups > 1:
            name = f'resnext{self.depth}_{self.groups}x{self.width // self.groups}d'
        elif self.width != self.base_channels:
            name = f'wide_resnet{self.depth}_{self.width / self.base_channels:g}'
        else:
            name = f'resnet{self.depth}'
        name = name if self.base_channels == 64 else f'{name}_base{self.base_channels}'
        return f'two-view {name}' if self.views == 2 else name


def shorten(names: tuple[str, ...] | list[str]) -> str:
    """The first few of many names."""
    more = f' and {len(names) - NAMES_SHOWN} more' if len(names) > NAMES_SHOWN else ''
    return ', '.join(shown(name) for name in names[:NAMES_SHOWN]) + more


def find_resnet(state: Mapping[str, Tensor]) -> Architecture:
    """Tell from names and shapes which ResNet a set of tensors is.

    Args:
        state (Mapping[str, Tensor]): Tensors in torchvision's names and nothing else; the
            ``num_batches_tracked`` counters may be absent.

    Returns:
        Architecture: The ResNet.

    Raises:
        CheckpointError: If tensors are missing or there are others. The file is not known here.
    """
    blocks = dict.fromkeys((1, 2, 3, 4), 0)
    for key in state:
        if match := re.match(r'layer([1-4])\.(\d{1,3})\.', key):
            stage, block = map(int, match.groups())
            blocks[stage] = max(blocks[stage], block + 1)
    bottleneck = any(re.match(r'layer\d\.\d+\.conv3\.', key) for key in state)
    depth = DEPTHS.get((bottleneck, tuple(blocks.values())))
    if depth is None:
        raise CheckpointError(
            f'no trunk of a ResNet-18/34/50/101/152: its four stages have {list(blocks.values())} '
            f'{"bottleneck" if bottleneck else "basic"} blocks')

    last_conv = 'conv3' if bottleneck else 'conv2'
    measured = ['conv1.weight', 'layer1.0.conv2.weight', f'layer1.0.{last_conv}.weight']
    if missing := [key for key in measured if key not in state]:
        raise CheckpointError(f'an incomplete trunk of ResNet-{depth}: {shorten(missing)} missing')
    stem, inner, outer = (state[key] for key in measured)
    if wrong := [key for key in measured if state[key].ndim != 4 or not state[key].numel()]:
        raise CheckpointError(f'no trunk of a ResNet: {shorten(wrong)} should have 4 dimensions, '
                              'none of them 0')
    expected = list(_keys(bottleneck, tuple(blocks.values()), len(stem) != len(outer)))
    missing = [key for key in expected
               if key not in state and not key.endswith('num_batches_tracked')]
    if missing:
        raise CheckpointError(f'an incomplete trunk of ResNet-{depth}: {len(missing)} of '
                              f'{len(expected)} tensors missing ({shorten(missing)})')
    known = set(expected)
    if unknown := [key for key in state if key not in known]:
        raise CheckpointError(f'not a plain ResNet-{depth}: it has {len(unknown)} tensors that a '
                              f'ResNet has not ({shorten(unknown)})')
    return Architecture(
        depth=depth,
        base_channels=len(outer) // 4 if bottleneck else len(outer),
        width=len(inner),
        groups=len(inner) // inner.shape[1] if bottleneck else 1)


def _keys(bottleneck: bool, blocks: tuple[int, ...], first_is_projected: bool) -> Iterator[str]:
    """Names of all tensors of a ResNet, in torchvision's order."""

    def convolution(conv: str, norm: str) -> Iterator[str]:
        yield f'{conv}.weight'
        yield from (f'{norm}.{key}' for key in NORM_KEYS)

    yield from convolution('conv1', 'bn1')
    for stage, number in enumerate(blocks, start=1):
        for block in range(number):
            prefix = f'layer{stage}.{block}'
            for index in range(1, 4 if bottleneck else 3):
                yield from convolution(f'{prefix}.conv{index}', f'{prefix}.bn{index}')
            # a shortcut is a projection where the stride or the number of channels changes
            if block == 0 and (stage > 1 or first_is_projected):
                yield from convolution(f'{prefix}.downsample.0', f'{prefix}.downsample.1')
