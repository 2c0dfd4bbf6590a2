"""Puts a pre-trained trunk into a model: wholly, or not at all."""

import re
from dataclasses import replace
from pathlib import Path

import torch
from mmengine.config import Config, ConfigDict
from mmengine.model import is_model_wrapper
from torch import Tensor, nn

from infomin_plugin.checkpoints import (
    CheckpointError,
    LoadReport,
    Trunk,
    compare,
    read_trunk,
    write_backbone,
)

from .supervised import SUPERVISED, architecture_of, supervised_file

# mmdet's ResNet and ResLayer (the C4 detectors' shared head, He et al. 2017) where a config is
# silent: all four stages, and the last of them as the head
BACKBONE_STAGES = 4
HEAD_STAGE = 3
TWO_VIEW_BACKBONE, TWO_VIEW_HEAD = 'TwoViewBackbone', 'TwoViewResLayer'
GENERATORS = ('FlowGenerator', 'ColorSpaceGenerator')
BACKBONE_FILE = 'pretrained_backbone.pth'
HEAD_FILE = 'pretrained_shared_head.pth'


def place_pretrained(cfg: Config) -> Trunk | None:
    """Make a config's model start from ``cfg.pretrained``.

    The trunk goes to the backbone and, in C4 detectors, to the shared head that holds the last
    stage; each gets its share as a file in the work directory, so that MMEngine's ``Pretrained``
    initialisation of either finds all of its tensors and no others. A backbone of two trunks is
    given the settings of the checkpoint's own view generator, and of the norm of its views, for
    which they were trained. Where the weights come from is written to ``cfg.initialisation``.

    Args:
        cfg (Config): Changed in place. Reads the keys ``pretrained`` (a checkpoint file;
            ``'supervised'`` for torchvision's weights, see :func:`supervised_file`; ``'random'`` to
            drop pre-trained weights that the config names; None or absent to leave it as it is
            written), ``pretrained_from`` (``'query'``, the default, or ``'momentum'``),
            ``work_dir`` and ``model``.

    Returns:
        Trunk | None: The trunk, for :func:`verify_pretrained`; None if there is none to place.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        CheckpointError: If it is not a whole trunk of the model's depth and width.
        ValueError: If the config cannot take a trunk, or keeps other weights over it.
        ConnectionError: If supervised weights cannot be downloaded.
    """
    if cfg.get('pretrained') is None:
        return None
    backbone, head = _parts(cfg)
    parts = [part for part in (backbone, head) if part is not None]
    for part in parts:
        # the old name of the same thing; MMDetection refuses the two together
        part.pop('pretrained', None)
    if cfg.pretrained == 'random':
        cfg.initialisation = dict(method='random')
        for part in parts:
            kept = [item for item in _listed(part.pop('init_cfg', None)) if not _loads(item)]
            if kept:
                part.init_cfg = kept
        return None

    _require_torchvision_layout(parts)
    for name, module in (('model', cfg.model), ('model.roi_head', cfg.model.get('roi_head'))):
        if module and any(_loads(item) for item in _listed(module.get('init_cfg'))):
            raise ValueError(f'{name}.init_cfg loads weights over the pretrained trunk '
                             f'({module.init_cfg}): remove it, or do not set pretrained')
    if not cfg.get('work_dir'):
        raise ValueError('work_dir is not set: the pretrained trunk is written there')

    supervised = cfg.pretrained == SUPERVISED
    trunk = read_trunk(supervised_file(backbone) if supervised else cfg.pretrained,
                       cfg.get('pretrained_from') or 'query')
    if supervised:
        trunk = replace(trunk, origin=SUPERVISED)
    _require_same_size(trunk, parts)
    if trunk.generator is not None:
        _set_generator(backbone, trunk)
    cfg.initialisation = dict(method=trunk.origin, arch=str(trunk.architecture),
                              origin=trunk.origin) | dict(trunk.pretraining)
    work_dir = Path(cfg.work_dir)
    work_dir.mkdir(parents=True, exist_ok=True)
    shares = _shares(trunk, backbone, head)
    for part, file, keys in zip(parts, (BACKBONE_FILE, HEAD_FILE), shares, strict=False):
        write_backbone(work_dir / file, trunk, keys)
        part.init_cfg = ConfigDict(type='Pretrained', checkpoint=str(work_dir / file))
    return trunk


def verify_pretrained(model: nn.Module, trunk: Trunk, values: bool = False) -> LoadReport:
    """Check that a built model takes every tensor of a trunk, once, and needs no other.

    The extra norm layer after a C4 detector's last stage is not part of a trunk.

    Args:
        model (nn.Module): A model with a ``backbone``, and in C4 detectors a
            ``roi_head.shared_head``; may be wrapped for distributed training.
        trunk (Trunk): What :func:`place_pretrained` returned.
        values (bool): Check too that the model's tensors now equal the trunk's; holds from
            ``model.init_weights()`` until the first step. Defaults to False.

    Returns:
        LoadReport: A whole one; its text is the line to log.

    Raises:
        CheckpointError: If it is not whole, or values differ.
    """
    state, twice = _trunk_of(model)
    report = compare(trunk, state)
    report.require_whole()
    if twice:
        raise CheckpointError(f'{report}: {twice[0]} … are in both the backbone and the shared '
                              'head: give the backbone one stage less (num_stages=3)')
    if values:
        different = [key for key, tensor in trunk.state_dict.items()
                     if not torch.equal(state[key].cpu(), tensor.to(state[key].dtype))]
        if different:
            raise CheckpointError(f'{report}: the model does not hold them: {len(different)} '
                                  f'tensors have other values, such as {different[0]}')
    return report


def _parts(cfg: Config) -> tuple[ConfigDict, ConfigDict | None]:
    """The configs of the backbone and of the shared head, if there is one."""
    backbone = cfg.model.get('backbone')
    if backbone is None:
        raise ValueError(f'pretrained is set, but the model {cfg.model.get("type")} of the config '
                         'has no backbone')
    return backbone, (cfg.model.get('roi_head') or {}).get('shared_head')


def _trunk_of(model: nn.Module) -> tuple[dict[str, Tensor], list[str]]:
    """A model's tensors in the trunk's names, and which of them it has twice."""
    if is_model_wrapper(model):
        model = model.module
    backbone = model.backbone.state_dict()
    shared_head = getattr(getattr(model, 'roi_head', None), 'shared_head', None)
    head = {} if shared_head is None else {
        key: tensor for key, tensor in shared_head.state_dict().items() if _stage_of(key)}
    return {**backbone, **head}, [key for key in head if key in backbone]


def _shares(trunk: Trunk, backbone: ConfigDict, head: ConfigDict | None) -> list[list[str]]:
    """Names of the trunk's tensors that belong to the backbone, and to the shared head."""
    stages = backbone.get('num_stages', BACKBONE_STAGES)
    in_head = head.get('stage', HEAD_STAGE) + 1 if head else None
    return [[key for key in trunk.state_dict if (_stage_of(key) or 0) <= stages],
            [key for key in trunk.state_dict if in_head and _stage_of(key) == in_head]]


def _stage_of(key: str) -> int | None:
    """The stage of a trunk, or of one of two, that a tensor belongs to; None for the others."""
    match = re.match(r'(?:trunk[12]\.)?layer(\d+)\.', key)
    return int(match[1]) if match else None


def _listed(init_cfg: dict | list | None) -> list:
    """The initialisations that an ``init_cfg`` asks for."""
    return [init_cfg] if isinstance(init_cfg, dict) else list(init_cfg or ())


def _loads(item: dict) -> bool:
    """Whether an initialisation loads a file."""
    return item.get('type') in ('Pretrained', 'PretrainedInit')


def _require_torchvision_layout(parts: list[ConfigDict]) -> None:
    """Refuse the layout whose tensors have the same names and shapes, but mean something else."""
    for part in parts:
        if part.get('style', 'pytorch') != 'pytorch':
            raise ValueError(
                f"{part.type} has style={part.style!r}, which puts the stride in the 1×1 "
                "convolution; pretrained trunks have it in the 3×3: set style='pytorch', and pixel "
                'mean and std to RGB values')


def _require_same_size(trunk: Trunk, parts: list[ConfigDict]) -> None:
    """Refuse another number of trunks, depth, width or groups before anything is built."""
    architecture = trunk.architecture
    for part in parts:
        views = 2 if part.type.split('.')[-1] in (TWO_VIEW_BACKBONE, TWO_VIEW_HEAD) else 1
        if views != architecture.views:
            kinds = {1: 'a single trunk', 2: 'two trunks behind a view generator'}
            raise CheckpointError(
                f'{trunk.path} is a checkpoint of {kinds[architecture.views]} '
                f'({architecture}), the {part.type} of the model is {kinds[views]}')
        depth = part.get('depth', architecture.depth)
        width = part.get('base_channels', 64)  # of two trunks, each one's
        if (depth, width) != (architecture.depth, architecture.base_channels):
            raise CheckpointError(
                f'{trunk.path} is a checkpoint of ResNet-{architecture.depth} with '
                f'{architecture.base_channels} base channels, the {part.type} of the model is '
                f'ResNet-{depth} with {width}')
        stem, wanted = trunk.stem_channels, part.get('stem_channels') or width
        if part is parts[0] and not part.get('deep_stem') and stem != wanted:
            raise CheckpointError(
                f'{trunk.path} has a first convolution of {stem} channels, the {part.type} of the '
                f'model one of {wanted}: set model.backbone.stem_channels={stem}')
        asked = architecture_of(part)
        if asked and (asked.groups, asked.width) != (architecture.groups, architecture.width):
            raise CheckpointError(f'{trunk.path} is a checkpoint of {architecture}, the '
                                  f'{part.type} of the model is {asked}')


def _set_generator(backbone: ConfigDict, trunk: Trunk) -> None:
    """Put the checkpoint's view generator, and the norm of its views, in front of the trunks."""
    settings = trunk.generator
    # whoever wrote the file must not choose what is built
    if settings.get('type') not in GENERATORS:
        raise CheckpointError(f'{trunk.path}: the view generator is {settings}; its type must be '
                              f'one of {GENERATORS}')
    backbone.generator = ConfigDict(settings, type=f'infomin_plugin.{settings["type"]}')
    backbone.view_norm = trunk.view_norm
