"""res5 of two trunks against mmdet's own layers, run by hand."""

import pytest
import torch
from mmdet.models.backbones import ResNet
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from infomin_plugin.models import ResLayerExtraNorm, TwoViewResLayer


def norms_differ(module):
    """Give batch norms weights and statistics of their own."""
    for layer in module.modules():
        if isinstance(layer, _BatchNorm):
            for tensor in (layer.weight.data, layer.bias.data, layer.running_mean):
                tensor.normal_()
            layer.running_var.uniform_(0.5, 2)


@pytest.mark.parametrize('extra_norm', [True, False])
@torch.no_grad()
def test_equals_the_last_stage_of_either_trunk(extra_norm):
    torch.manual_seed(0)
    head = TwoViewResLayer(50, 4, extra_norm=extra_norm).eval()
    head.init_weights()
    norms_differ(head)
    regions = torch.randn(3, 2 * 4 * 4 * 4, 14, 14)
    halves = []
    for trunk, half in zip((head.trunk1, head.trunk2), regions.chunk(2, dim=1), strict=True):
        whole = ResNet(50, base_channels=4)
        whole.eval()  # gives None
        whole.layer4.load_state_dict(trunk['layer4'].state_dict())
        halves.append(whole.layer4(half))
    expected = torch.cat(halves, dim=1)
    if extra_norm:
        norm = nn.BatchNorm2d(expected.shape[1]).eval()
        norm.load_state_dict(head.norm.state_dict())
        expected = norm(expected)
    assert expected.shape == (3, 2 * 128, 7, 7)
    torch.testing.assert_close(head(regions), expected)


def test_half_width_fits_where_resnet50s_does():
    regions = torch.randn(2, 1024, 14, 14)
    assert TwoViewResLayer(50, 32)(regions).shape == ResLayerExtraNorm(50)(regions).shape


@pytest.mark.parametrize('norm_eval', [True, False])
def test_norm_eval(norm_eval):
    head = TwoViewResLayer(18, 4, norm_eval=norm_eval).train()
    assert {m.training for m in head.modules() if isinstance(m, _BatchNorm)} == {not norm_eval}


@pytest.mark.parametrize('change, words', [
    (dict(depth=20), 'depth must be one of .*, got 20'),
    (dict(stage=0), 'stage must be 1, 2 or 3, got 0'),
])
def test_bad_arguments_are_named(change, words):
    with pytest.raises(ValueError, match=words):
        TwoViewResLayer(**dict(depth=18, base_channels=4) | change)
