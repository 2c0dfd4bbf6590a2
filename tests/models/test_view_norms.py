"""Norms of the views: fixed statistics by hand, what is refused, and what checkpoints bring."""

import numpy as np
import pytest
import torch
from torch import nn
from two_views import classifiers, encoders

from infomin_plugin.models.view_norms import ViewNorms
from infomin_plugin.registry import MODELS

FIXED = dict(mean=(0.4, -0.1, 0.25), std=(0.5, 2.0, 0.125))


def views(channels=(1, 2)):
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(3, number, 4, 5, generator=generator) for number in channels]


def by_hand(view, mean, std):
    """Channel by channel, in float64."""
    view = view.double().numpy()
    return np.stack([(view[:, channel] - mean[channel]) / std[channel]
                     for channel in range(view.shape[1])], axis=1)


@pytest.mark.parametrize('training', [True, False])
def test_fixed_statistics_by_hand(training):
    norms, (first, second) = ViewNorms(FIXED).train(training), views()
    for _ in range(2):  # nothing moves
        ours = norms([first, second])
        np.testing.assert_allclose(ours[0], by_hand(first, [0.4], [0.5]), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(
            ours[1], by_hand(second, [-0.1, 0.25], [2.0, 0.125]), rtol=1e-5, atol=1e-6)
    assert not list(norms.parameters())


def test_fixed_statistics_of_other_channels():
    statistics = dict(mean=list(range(6)), std=list(range(1, 7)))
    first, second = views((3, 3))
    ours = ViewNorms(statistics, (3, 3))([first, second])
    np.testing.assert_allclose(ours[0], by_hand(first, [0, 1, 2], [1, 2, 3]), rtol=1e-5)
    np.testing.assert_allclose(ours[1], by_hand(second, [3, 4, 5], [4, 5, 6]), rtol=1e-5)


@pytest.mark.parametrize('config', [encoders, classifiers])
def test_networks_see_the_normalised_views(config):
    model, plain, (first, second) = (
        MODELS.build(config(view_norm=FIXED)), MODELS.build(config()), views())
    plain.load_state_dict({key: tensor for key, tensor in model.state_dict().items()
                           if not key.startswith('view_norms.')})
    normalised = [torch.from_numpy(by_hand(first, [0.4], [0.5])).float(),
                  torch.from_numpy(by_hand(second, [-0.1, 0.25], [2.0, 0.125])).float()]
    for ours, expected in zip(model((first, second)), plain(normalised), strict=True):
        torch.testing.assert_close(ours, expected)


@pytest.mark.parametrize('view_norm, words', [
    (FIXED | dict(std=(0.5, 0.0, 1.0)), r'deviations above 0; got .*std=\(0.5, 0.0, 1.0\)'),
    (FIXED | dict(std=(0.5, -1.0, 1.0)), 'deviations above 0'),
    (FIXED | dict(mean=(0.5, float('nan'), 1.0)), 'must be finite, .* nan'),
    (dict(mean=(0.4, 0.1), std=(1, 1)), r'1 \+ 2 channels, .* 2 means and 2 deviations'),
    (FIXED | dict(std=(1, 1, 1, 1)), '3 means and 4 deviations'),
    (dict(mean=FIXED['mean']), r'are dict\(mean=..., std=...\), got'),
    (FIXED | dict(var=(1, 1, 1)), r'are dict\(mean=..., std=...\), got'),
    ('batch', r"True, False or dict\(mean=..., std=...\), got 'batch'"),
])
@pytest.mark.parametrize('config', [encoders, classifiers])
def test_bad_statistics_are_named(config, view_norm, words):
    with pytest.raises(ValueError, match=words):
        MODELS.build(config(view_norm=view_norm))


@pytest.mark.parametrize('channels', [(3, 2), (1, 1), (2, 1)])
def test_views_of_other_channels_are_refused(channels):
    """Broadcasting would take some of them."""
    with pytest.raises(ValueError, match=r'fixed statistics are of . channels, the view is \(3, '):
        ViewNorms(FIXED)(views(channels))


def test_checkpoints_bring_their_statistics():
    saved = ViewNorms(dict(mean=(1, 2, 3), std=(4, 5, 6))).state_dict()
    norms = ViewNorms(FIXED)
    norms.load_state_dict(saved)
    assert torch.equal(torch.cat([norm.mean for norm in norms]), torch.tensor([1., 2, 3]))
    assert torch.equal(torch.cat([norm.std for norm in norms]), torch.tensor([4., 5, 6]))


@pytest.mark.parametrize('saved, ours, words', [
    (True, FIXED, 'by their batch, those of the config by fixed statistics'),
    (FIXED, True, 'by fixed statistics, those of the config by their batch'),
    (FIXED, False, 'by fixed statistics, those of the config by nothing'),
    (True, False, 'by their batch, those of the config by nothing'),
])
@pytest.mark.parametrize('strict', [True, False])
def test_checkpoints_of_another_norm_are_refused(strict, saved, ours, words):
    """Also where a loader lets keys be missing, as MMEngine's does."""
    state = nn.ModuleDict(dict(view_norms=ViewNorms(saved))).state_dict()
    model = nn.ModuleDict(dict(view_norms=ViewNorms(ours)))
    with pytest.raises(ValueError, match=words):
        model.load_state_dict(state, strict=strict)
