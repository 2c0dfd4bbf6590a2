import pytest
import torch
from torch import nn

from infomin_plugin.models import MomentumEncoder


def encoder(weight):
    network = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1))
    nn.init.constant_(network[0].weight, weight)
    return network


def test_moves_by_the_share_that_momentum_leaves():
    source = encoder(1.0)
    copy = MomentumEncoder(source, momentum=0.9)
    nn.init.constant_(source[0].weight, 2.0)
    copy.update(source)
    assert copy.module[0].weight.item() == pytest.approx(0.9 * 1 + 0.1 * 2)
    copy.update(source)
    assert copy.module[0].weight.item() == pytest.approx(0.9 * 1.1 + 0.1 * 2)


def test_keeps_its_own_batch_statistics():
    source = encoder(1.0)
    copy = MomentumEncoder(source, momentum=0.9)
    copy(torch.tensor([[10.0], [30.0]]))
    own = copy.module[1].running_mean.clone()
    assert own.item() != 0  # it is in training mode
    copy.update(source)
    assert torch.equal(copy.module[1].running_mean, own)


def test_has_no_gradient():
    copy = MomentumEncoder(encoder(1.0), momentum=0.9)
    assert not any(parameter.requires_grad for parameter in copy.parameters())
    assert not copy(torch.randn(4, 1)).requires_grad


def test_refuses_a_momentum_outside_the_unit_interval():
    with pytest.raises(ValueError, match=r'momentum must lie in \[0, 1\], got 1.5'):
        MomentumEncoder(encoder(1.0), momentum=1.5)
