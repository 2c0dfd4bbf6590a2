"""A ResNet trunk as a set of named tensors: which ResNet it is, and whether a model takes it."""

import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from .files import CheckpointError

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
    """
    depth: int
    base_channels: int = 64
    width: int = 64
    groups: int = 1

    def __str__(self) -> str:
        if self.groups > 1:
            name = f'resnext{self.depth}_{self.groups}x{self.width // self.groups}d'
        elif self.width != self.base_channels:
            name = f'wide_resnet{self.depth}_{self.width / self.base_channels:g}'
        else:
            name = f'resnet{self.depth}'
        return name if self.base_channels == 64 else f'{name}_base{self.base_channels}'


@dataclass(frozen=True)
class Trunk:
    """A whole ResNet trunk and where it came from.

    Attributes:
        state_dict (OrderedDict[str, Tensor]): Tensors in torchvision's ResNet names
            (``conv1.weight``, ``layer1.0.bn1.running_mean`` …), without classifier or head.
        architecture (Architecture): Which ResNet, told from the tensors.
        origin (str): Name of the kind of file.
        path (Path): The file.
        source (str): ``'query'`` or ``'momentum'``, the encoder it was.
        ignored (tuple[str]): Keys of the file that are no part of the trunk.
        filled (tuple[str]): Step counters of batch norms (``num_batches_tracked``) that the file,
            of an old torch, lacks; they are 0 here.
    """
    state_dict: 'OrderedDict[str, Tensor]' = field(repr=False)
    architecture: Architecture
    origin: str
    path: Path
    source: str = 'query'
    ignored: tuple[str, ...] = field(default=(), repr=False)
    filled: tuple[str, ...] = field(default=(), repr=False)

    @property
    def description(self) -> str:
        """Where it came from, in words."""
        return f'{self.origin}: {self.path}, {self.source} encoder'


@dataclass(frozen=True)
class LoadReport:
    """How the tensors of a trunk meet those of a model, by name and shape.

    Attributes:
        trunk (Trunk): The trunk.
        model (str): What the model is, as far as its tensors tell.
        loaded (tuple[str]): Tensors that the model takes.
        missing (tuple[str]): Tensors of the model that the trunk lacks.
        unexpected (tuple[str]): Tensors of the trunk that the model lacks.
        mismatched (tuple[str]): Tensors of both, of different shapes.
    """
    trunk: Trunk
    model: str
    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mismatched: tuple[str, ...]

    def __str__(self) -> str:
        filled = f', {len(self.trunk.filled)} step counters set to 0' if self.trunk.filled else ''
        return (f'pretrained trunk: {len(self.loaded)} loaded / {len(self.missing)} missing / '
                f'{len(self.unexpected)} unexpected / {len(self.mismatched)} shape-mismatched '
                f'tensors (from {self.trunk.description}{filled})')

    @property
    def whole(self) -> bool:
        """Whether every tensor of the trunk and of the model has its match."""
        return not (self.missing or self.unexpected or self.mismatched)

    def require_whole(self) -> None:
        """Refuse anything less than a whole trunk.

        Raises:
            CheckpointError: Names the first of the tensors that do not fit.
        """
        if self.whole:
            return
        wrong = '; '.join(
            f'{kind}: {shorten(names)}' for kind, names in (
                ('missing', self.missing), ('unexpected', self.unexpected),
                ('shape-mismatched', self.mismatched)) if names)
        raise CheckpointError(f'{self}: the checkpoint is of {self.trunk.architecture}, the model '
                              f'is {self.model}. {wrong}')


def shorten(names: tuple[str, ...] | list[str]) -> str:
    """The first few of many names."""
    more = f' and {len(names) - NAMES_SHOWN} more' if len(names) > NAMES_SHOWN else ''
    return ', '.join(names[:NAMES_SHOWN]) + more


def compare(trunk: Trunk, module_state: Mapping[str, Tensor]) -> LoadReport:
    """Match a trunk with the tensors that a model has for it.

    Args:
        trunk (Trunk): The trunk.
        module_state (Mapping[str, Tensor]): The model's tensors, in the trunk's names.

    Returns:
        LoadReport: Who meets whom; nothing is loaded.
    """
    try:
        model = str(find_architecture(module_state))
    except CheckpointError as error:
        model = f'not a whole ResNet ({error})'
    shared = [key for key in trunk.state_dict if key in module_state]
    fits = {key: trunk.state_dict[key].shape == module_state[key].shape for key in shared}
    return LoadReport(
        trunk=trunk,
        model=model,
        loaded=tuple(key for key in shared if fits[key]),
        missing=tuple(key for key in module_state if key not in trunk.state_dict),
        unexpected=tuple(key for key in trunk.state_dict if key not in module_state),
        mismatched=tuple(key for key in shared if not fits[key]))


def find_architecture(state: Mapping[str, Tensor]) -> Architecture:
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
        if match := re.match(r'layer([1-4])\.(\d+)\.', key):
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
    if wrong := [key for key in measured if state[key].ndim != 4]:
        raise CheckpointError(f'no trunk of a ResNet: {shorten(wrong)} should have 4 dimensions')
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
