"""Synthetic checkpoints in the layouts of their authors' files, for the tests.

Keys and nesting are written out from the code that writes such files, not from the reader's table.
"""

from collections import OrderedDict

import torch
import torchvision
from mmcls.models import ResNet
from torch import Tensor

StateDict = dict[str, Tensor]


def random_trunk(name: str = 'resnet50', seed: int = 0) -> StateDict:
    """torchvision's ResNet of random weights *and* statistics, without classifier."""
    generator = torch.Generator().manual_seed(seed)
    state = getattr(torchvision.models, name)(weights=None).state_dict()
    trunk = {}
    for index, (key, tensor) in enumerate(state.items()):
        if key.startswith('fc.'):
            continue
        if key.endswith('num_batches_tracked'):
            trunk[key] = torch.tensor(100 * seed + index)
        else:
            trunk[key] = torch.rand(tensor.shape, generator=generator) + 0.5
    return trunk


def thin_trunk(depth: int = 18, seed: int = 0, in_channels: int = 3,
               stem_channels: int = 4) -> StateDict:
    """A sixteenth of a ResNet's width; random values, a negative zero and a subnormal number."""
    trunk = {}
    generator = torch.Generator().manual_seed(seed)
    for index, (key, tensor) in enumerate(
            ResNet(depth, in_channels, base_channels=4,
                   stem_channels=stem_channels).state_dict().items()):
        counter = key.endswith('num_batches_tracked')
        trunk[key] = (torch.tensor(1000 * seed + index) if counter else
                      torch.randn(tensor.shape, generator=generator))
    trunk['conv1.weight'][0, 0, 0, :2] = torch.tensor([-0.0, 1e-40])
    return trunk


def prefixed(prefix: str, state: StateDict) -> StateDict:
    """Put a prefix before every name."""
    return {prefix + key: tensor for key, tensor in state.items()}


def mlp(prefix: str) -> StateDict:
    """A projection head."""
    return {f'{prefix}{layer}.{kind}': torch.ones(2) for layer in (0, 2)
            for kind in ('weight', 'bias')}


def infomin(query: StateDict, momentum: StateDict) -> dict:
    """Our training checkpoint: MMEngine's dict around the InfoMin model's state."""
    return dict(
        meta=dict(epoch=1, iter=2, cfg='model = dict()'),
        state_dict=OrderedDict(
            prefixed('backbone.', query) | mlp('neck.mlp.')
            | {'memory.keys': torch.ones(4, 2), 'memory.position': torch.tensor(0)}
            | prefixed('momentum_encoder.module.backbone.', momentum)
            | mlp('momentum_encoder.module.neck.mlp.') | mlp('jigsaw_neck.patch_neck.mlp.')),
        message_hub=dict(log_scalars=OrderedDict(), runtime_info=OrderedDict(), resumed_keys={}),
        optimizer=dict(state={}, param_groups=[dict(lr=0.03, params=[0, 1])]),
        param_schedulers=[dict(last_step=1)])


def mmselfsup_moco(query: StateDict, momentum: StateDict) -> dict:
    """mmselfsup 1.0's MoCo: the momentum encoder is a Sequential of backbone and neck."""
    return dict(
        meta={},
        state_dict=OrderedDict(
            {'queue': torch.ones(2, 4), 'queue_ptr': torch.zeros(1)} | prefixed('backbone.', query)
            | mlp('neck.mlp.') | {'encoder_k.steps': torch.tensor(1)}
            | prefixed('encoder_k.module.0.', momentum) | mlp('encoder_k.module.1.mlp.')))


def mmselfsup_zoo(query: StateDict, momentum: StateDict) -> dict:
    """mmselfsup's published files: the backbone of a training checkpoint, with its prefix."""
    return dict(meta={}, state_dict=OrderedDict(prefixed('backbone.', query)))


def mmselfsup_extracted(query: StateDict, momentum: StateDict) -> dict:
    """mmselfsup's extracted backbones."""
    return dict(state_dict=OrderedDict(query), author='OpenMMLab')


def pycontrast(query: StateDict, momentum: StateDict) -> dict:
    """The authors' files: DDP's prefix before the query encoder alone."""
    return dict(
        model=OrderedDict(
            prefixed('module.encoder.', query) | mlp('module.head.') | mlp('module.head_jig.fc1.')
            | mlp('module.head_jig.fc2.')),
        contrast=OrderedDict(memory=torch.ones(4, 2)),
        optimizer=dict(state={}, param_groups=[]),
        epoch=200,
        model_ema=OrderedDict(prefixed('encoder.', momentum) | mlp('head.')))


def pycontrast_two_modalities(query: tuple[StateDict, StateDict],
                              momentum: tuple[StateDict, StateDict]) -> dict:
    """The authors' files of CMC v2: an encoder and a head each for luminance and chrominance."""
    def both(prefix: str, encoders: tuple[StateDict, StateDict]) -> StateDict:
        return OrderedDict(
            prefixed(f'{prefix}encoder1.', encoders[0]) | mlp(f'{prefix}head1.')
            | prefixed(f'{prefix}encoder2.', encoders[1]) | mlp(f'{prefix}head2.'))

    return dict(
        model=both('module.', query),
        contrast=OrderedDict(memory_1=torch.ones(4, 2), memory_2=torch.ones(4, 2)),
        optimizer=dict(state={}, param_groups=[]),
        epoch=200,
        model_ema=both('', momentum))


def moco_official(query: StateDict, momentum: StateDict) -> dict:
    """MoCo's training checkpoints, v2: the head takes the classifier's place."""
    return dict(
        epoch=200,
        arch='resnet50',
        state_dict=OrderedDict(
            {'module.queue': torch.ones(2, 4), 'module.queue_ptr': torch.zeros(1)}
            | prefixed('module.encoder_q.', query) | mlp('module.encoder_q.fc.')
            | prefixed('module.encoder_k.', momentum) | mlp('module.encoder_k.fc.')),
        optimizer=dict(state={}, param_groups=[]))


def vissl(query: StateDict, momentum: StateDict) -> dict:
    """VISSL's checkpoints."""
    model = dict(trunk=OrderedDict(prefixed('_feature_blocks.', query)), heads=OrderedDict())
    return dict(classy_state_dict=dict(base_model=dict(model=model)), phase_idx=1)


def torchvision_plain(query: StateDict, momentum: StateDict) -> dict:
    """torchvision's and timm's bare state dicts, with the classifier."""
    return OrderedDict(query | {'fc.weight': torch.ones(10, 2), 'fc.bias': torch.ones(10)})


def torchvision_old(query: StateDict, momentum: StateDict) -> dict:
    """torchvision's first files: batch norms had no step counters yet."""
    return OrderedDict((key, tensor) for key, tensor in torchvision_plain(query, momentum).items()
                       if not key.endswith('num_batches_tracked'))


def detectron2_names(blocks: tuple[int, ...], convolutions: int) -> dict[str, str]:
    """Names of Detectron2's ResNet, layer by layer, and torchvision's for the same layers.

    Written out from Detectron2's modules: ``stem``, ``res2`` to ``res5``; in a block
    ``conv1`` …, ``shortcut``; a normalisation is the ``norm`` of its convolution.

    Args:
        blocks: Blocks of each of the four stages.
        convolutions: Convolutions of a block, 2 or 3.
    """
    names = {'stem.conv1': 'conv1', 'stem.conv1.norm': 'bn1'}
    for stage, number in enumerate(blocks):
        for block in range(number):
            here, there = f'res{stage + 2}.{block}', f'layer{stage + 1}.{block}'
            for index in range(1, convolutions + 1):
                names[f'{here}.conv{index}'] = f'{there}.conv{index}'
                names[f'{here}.conv{index}.norm'] = f'{there}.bn{index}'
            if block == 0:
                names[f'{here}.shortcut'] = f'{there}.downsample.0'
                names[f'{here}.shortcut.norm'] = f'{there}.downsample.1'
    return names


def detectron2(query: StateDict, blocks: tuple[int, ...], convolutions: int) -> dict:
    """What Detectron2's, MoCo's and PyContrast's converters pickle: numpy arrays."""
    model = {}
    for new, old in detectron2_names(blocks, convolutions).items():
        for kind in ('weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked'):
            if f'{old}.{kind}' in query:
                model[f'{new}.{kind}'] = query[f'{old}.{kind}'].numpy()
    # the classifier, or MoCo's head in its place: no layer of a stage, so they think it the stem's
    model['stem.fc.0.weight'] = torch.ones(2, 2).numpy()
    return {'model': model, '__author__': 'MOCO', 'matching_heuristics': True}


WITH_MOMENTUM = (infomin, mmselfsup_moco, pycontrast, moco_official)
WITHOUT_MOMENTUM = (mmselfsup_zoo, mmselfsup_extracted, vissl, torchvision_plain, torchvision_old)
LAYOUTS = (*WITH_MOMENTUM, *WITHOUT_MOMENTUM)
