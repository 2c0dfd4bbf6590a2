"""A ResNet trunk as a set of named tensors, and whether a model takes it."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from .files import CheckpointError
from .resnet import Architecture, find_resnet, shorten
from .two_view import (
    SETTINGS,
    STEM,
    TRUNKS,
    find_two_views,
    find_view_norm,
    is_two_view,
    unpack_settings,
)


@dataclass(frozen=True)
class Trunk:
    """A whole ResNet trunk and where it came from.

    Attributes:
        state_dict (OrderedDict[str, Tensor]): Tensors in torchvision's ResNet names
            (``conv1.weight``, ``layer1.0.bn1.running_mean`` …), without classifier or head; for
            two views in the names of :mod:`infomin_plugin.checkpoints.two_view`.
        architecture (Architecture): Which ResNet, told from the tensors.
        origin (str): Name of the kind of file.
        path (Path): The file.
        source (str): ``'query'`` or ``'momentum'``, the encoder it was.
        ignored (tuple[str]): Keys of the file that are no part of the trunk.
        pretraining (dict): How it was trained, where the file says so: ``method``, ``config``,
            ``epochs`` (done), ``planned_epochs``, ``seed``, ``images`` (number), ``batch`` (of all
            processes), ``overridden`` (settings that are not the config file's).
        filled (tuple[str]): Step counters of batch norms (``num_batches_tracked``) that the file,
            of an old torch, lacks; they are 0 here.
        implied (tuple[str]): Tensors that files of this kind lack, but are the same for all.
    """
    state_dict: 'OrderedDict[str, Tensor]' = field(repr=False)
    architecture: Architecture
    origin: str
    path: Path
    source: str = 'query'
    ignored: tuple[str, ...] = field(default=(), repr=False)
    filled: tuple[str, ...] = field(default=(), repr=False)
    pretraining: Mapping[str, str | int] = field(default_factory=dict, repr=False)
    implied: tuple[str, ...] = field(default=(), repr=False)

    @property
    def description(self) -> str:
        """Where it came from, in words."""
        implied = (f', with what no such file holds but all imply: {", ".join(self.implied)}'
                   if self.implied else '')
        return f'{self.origin}: {self.path}, {self.source} encoder{implied}'

    @property
    def generator(self) -> dict[str, Any] | None:
        """Settings of the view generator in front of two trunks; None for a single one."""
        packed = self.state_dict.get(SETTINGS)
        return None if packed is None else unpack_settings(packed)

    @property
    def stem_channels(self) -> int:
        """Channels of the first convolution, in each of two trunks."""
        first = TRUNKS[0] if self.architecture.views > 1 else ''
        return len(self.state_dict[f'{first}{STEM}'])

    @property
    def view_norm(self) -> bool | dict[str, list[float]]:
        """How the views in front of two trunks were normalised, see :func:`find_view_norm`."""
        return find_view_norm(self.state_dict)


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
    """Tell from names and shapes which ResNet, or pair of them, a set of tensors is.

    Args:
        state (Mapping[str, Tensor]): A trunk's tensors and nothing else, in the names of
            :class:`Trunk`; the ``num_batches_tracked`` counters may be absent.

    Returns:
        Architecture: The ResNet.

    Raises:
        CheckpointError: If tensors are missing or there are others. The file is not known here.
    """
    return find_two_views(state) if is_two_view(state) else find_resnet(state)
