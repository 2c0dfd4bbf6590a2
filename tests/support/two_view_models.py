"""A small contrast of two views, and the backbone that takes its weights, for the tests."""

import torch
from torch import nn

FLOW = dict(type='FlowGenerator', in_space='YDbDr', coupling='affine', max_log_scale=1.0,
            num_blocks=2, hidden_channels=4, mixing='rotate')
MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]


def contrast_config(generator=FLOW, view_norm=True, base_channels=4, **settings):
    """Config of a CrossViewContrast on two narrow ResNet-18, with queues and a key encoder."""
    trunk = dict(type='mmselfsup.ResNet', depth=18, stem_channels=base_channels,
                 base_channels=base_channels, out_indices=(4, ))
    neck = dict(type='mmselfsup.LinearNeck', in_channels=8 * base_channels, out_channels=4,
                with_avg_pool=True)
    encoders = {f'encoder{n}': dict(backbone=dict(in_channels=n, **trunk), neck=neck)
                for n in (1, 2)}
    return dict(
        type='CrossViewContrast',
        generator=generator,
        encoders=dict(type='TwoViewEncoder', view_norm=view_norm, **encoders),
        head=dict(type='ContrastiveHead', temperature=0.2),
        memory=dict(type='KeyQueue', length=8, channels=4)) | settings


def shuffled(model: nn.Module, seed: int = 0) -> nn.Module:
    """Fill all weights and statistics with values of their own; positive, so variances are."""
    generator = torch.Generator().manual_seed(seed)
    for key, tensor in model.state_dict().items():
        if not key.endswith('settings') and tensor.is_floating_point():
            fan_in = max(1, tensor[0].numel()) if tensor.ndim > 1 else 1
            tensor.copy_((torch.rand(tensor.shape, generator=generator) + 0.5) / fan_in)
    return model
