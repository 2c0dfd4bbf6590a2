"""What tools/benchmarks/step.py times: whole steps, and the passes in them alone."""

import logging
from collections.abc import Callable
from typing import NamedTuple

import torch
from mmengine.logging import MMLogger
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from infomin_plugin.engine import BFloat16OptimWrapper
from infomin_plugin.models import InfoMin
from infomin_plugin.models.unit_vectors import unit_vectors
from infomin_plugin.registry import MODELS

CHANNELS, PATCHES = 128, 9


class Size(NamedTuple):
    """How large a step is."""

    depth: int  # of the ResNet
    pixels: int  # side of a view
    patch: int  # side of a jigsaw patch
    batch: int
    queue: int
    turns: int = 1  # for each repeat: short steps need more

    @property
    def name(self) -> str:
        return (f'ResNet-{self.depth}, {self.pixels} px, batch {self.batch}, '
                f'queue {self.queue:,}')


SIZES = dict(small=Size(18, 64, 32, 32, 4096, turns=4), large=Size(50, 128, 64, 16, 65536))


def trunk(size: Size) -> dict:
    """Config of the backbone and the MLP neck that all have."""
    width = 512 if size.depth < 50 else 2048
    return dict(
        backbone=dict(type='mmselfsup.ResNet', depth=size.depth, out_indices=(4, )),
        neck=dict(type='mmselfsup.MoCoV2Neck', in_channels=width, hid_channels=width,
                  out_channels=CHANNELS, with_avg_pool=True))


def build(cfg: dict) -> nn.Module:
    """Build and initialise a model, the same weights each time."""
    MMLogger.get_current_instance().setLevel(logging.ERROR)  # else a line for each tensor
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('infomin_plugin'):
        model = MODELS.build(cfg)
    model.init_weights()
    return model.train()


def ours(size: Size, jigsaw: bool) -> InfoMin:
    """InfoMin, or without the jigsaw branch MoCo v2."""
    parts = trunk(size)
    head = dict(type='ContrastiveHead', temperature=0.15, loss_weight=0.5 if jigsaw else 1.0)
    branch = dict(jigsaw_head=head, jigsaw_neck=dict(
        type='JigsawNeck', patch_neck=parts['neck'], channels=CHANNELS)) if jigsaw else {}
    return build(dict(type='InfoMin', **parts, **branch, head=head, memory=dict(
        type='KeyQueue', length=size.queue, channels=CHANNELS)))


def mmselfsup_moco(size: Size) -> nn.Module:
    """mmselfsup's own MoCo v2 of the same parts."""
    return build(dict(
        type='mmselfsup.MoCo', **trunk(size), queue_len=size.queue, feat_dim=CHANNELS,
        momentum=0.999, head=dict(
            type='mmselfsup.ContrastiveHead', temperature=0.15,
            loss=dict(type='mmcls.CrossEntropyLoss', loss_weight=1.0))))


def optimiser(model: nn.Module, kind: type[OptimWrapper] = OptimWrapper) -> OptimWrapper:
    """SGD as the configs have it."""
    return kind(torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1e-3,
                                momentum=0.9, weight_decay=1e-4))


def inputs(size: Size, jigsaw: bool) -> dict[str, list[Tensor]]:
    """Two views of a batch, and nine patches where they are wanted."""
    generator = torch.Generator().manual_seed(0)
    views = [torch.randn(size.batch, 3, size.pixels, size.pixels, generator=generator)
             for _ in range(2)]
    patches = [torch.randn(size.batch, PATCHES, 3, size.patch, size.patch, generator=generator)
               for _ in range(jigsaw)]
    return dict(views=views, patches=patches)


Step = Callable[[], object]


def our_step(size: Size, jigsaw: bool, channels_last: bool = False, bfloat16: bool = False) -> Step:
    """A training step as the runner and its hooks make it, data and log apart."""
    model, data = ours(size, jigsaw), inputs(size, jigsaw)
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
        data = dict(
            views=[view.contiguous(memory_format=torch.channels_last) for view in data['views']],
            patches=[patches.permute(0, 1, 3, 4, 2).contiguous().permute(0, 1, 4, 2, 3)
                     for patches in data['patches']])
    wrapper = optimiser(model, BFloat16OptimWrapper if bfloat16 else OptimWrapper)

    def step() -> dict[str, Tensor]:
        with wrapper.optim_context(model):
            losses = model(data, mode='loss')
        loss, log = model.parse_losses(losses)
        wrapper.update_params(loss)
        model.after_optimizer_step()
        return log

    return step


def mmselfsup_step(size: Size) -> Step:
    """The same of mmselfsup's MoCo."""
    model, views = mmselfsup_moco(size), inputs(size, False)['views']
    wrapper = optimiser(model)

    def step() -> dict[str, Tensor]:
        with wrapper.optim_context(model):
            losses = model(views, None, mode='loss')
        loss, log = model.parse_losses(losses)
        wrapper.update_params(loss)
        return log

    return step


def bare_step(size: Size, jigsaw: bool) -> Step:
    """The same networks' forward and backward passes and the optimiser, and nothing else."""
    model, data = ours(size, jigsaw), inputs(size, jigsaw)
    sgd = optimiser(model).optimizer
    gradient = torch.randn(size.batch, CHANNELS) / size.batch

    def step() -> None:
        query_view, key_view = data['views']
        outputs = [model.neck(model.backbone(query_view))[0]]
        if jigsaw:
            outputs.append(model.jigsaw_neck(model.backbone(data['patches'][0].flatten(0, 1)))[0])
        with torch.no_grad():
            model.momentum_encoder.module.neck(model.momentum_encoder.module.backbone(key_view))
        torch.autograd.backward(outputs, [gradient] * len(outputs))
        sgd.step()
        sgd.zero_grad()

    return step


STEPS: dict[str, Callable[[Size], Step]] = {
    'InfoMin': lambda size: our_step(size, True),
    'InfoMin, passes alone': lambda size: bare_step(size, True),
    'MoCo v2': lambda size: our_step(size, False),
    'MoCo v2, passes alone': lambda size: bare_step(size, False),
    "mmselfsup's MoCo v2": mmselfsup_step,
}
OPTIONS: dict[str, Callable[[Size], Step]] = {
    'InfoMin, channels last': lambda size: our_step(size, True, channels_last=True),
    'InfoMin, bfloat16': lambda size: our_step(size, True, bfloat16=True),
    'InfoMin, channels last, bfloat16': lambda size: our_step(size, True, True, True),
}
# Of what is measured, which is divided by which.
RATIOS = [
    ('InfoMin', 'InfoMin, passes alone'),
    ('MoCo v2', 'MoCo v2, passes alone'),
    ("mmselfsup's MoCo v2", 'MoCo v2, passes alone'),
    ('MoCo v2', "mmselfsup's MoCo v2"),
    *((name, 'InfoMin') for name in OPTIONS),
]


def parts(size: Size) -> dict[str, Step]:
    """What an InfoMin step does beside the passes, each alone."""
    model = ours(size, True)
    queries, keys = (unit_vectors(torch.randn(size.batch, CHANNELS))
                     for _ in range(2))
    queries.requires_grad_()

    def branch() -> None:
        model.head.loss(queries, keys, model.memory.negatives())[0].backward()

    def commit() -> None:
        model.memory.hold(keys)
        model.memory.commit()

    def unit() -> None:
        unit_vectors(queries).sum().backward()

    return {'two contrastive losses, forward and backward': lambda: (branch(), branch()),
            'momentum update': lambda: model.momentum_encoder.update(model.encoder),
            'enqueueing': commit,
            'three normalisations': lambda: (unit(), unit(), unit())}
