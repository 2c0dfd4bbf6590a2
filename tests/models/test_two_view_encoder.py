"""Two encoders, two classifiers: each sees its own view."""

import pytest
import torch
from torch.nn import functional as F
from two_views import classifiers, encoders

from infomin_plugin.registry import MODELS


def views(size=6):
    torch.manual_seed(1)
    return torch.rand(size, 1, 4, 5), torch.rand(size, 2, 4, 5)


def test_embeddings_are_those_of_trunk_and_neck():
    model, (first, second) = MODELS.build(encoders()), views()
    for ours, encoder, view in zip(model((first, second)), (model.encoder1, model.encoder2),
                                   (first, second), strict=True):
        pooled = encoder.backbone(view)[0].mean(dim=(2, 3))
        torch.testing.assert_close(ours, F.normalize(encoder.neck.fc(pooled), dim=1))


def test_features_are_both_trunks_side_by_side():
    model, (first, second) = MODELS.build(encoders()), views()
    features = model.features((first, second))
    assert features.shape == (6, 16)
    torch.testing.assert_close(
        features[:, :8], model.encoder1.backbone(first)[0].mean(dim=(2, 3)))
    torch.testing.assert_close(
        features[:, 8:], model.encoder2.backbone(second)[0].mean(dim=(2, 3)))


@pytest.mark.parametrize('config', [encoders, classifiers])
def test_normalised_views_have_no_scale(config):
    model, (first, second) = MODELS.build(config(view_norm=True)), views()
    for ours, scaled in zip(model((first, second)), model((100 * first + 7, second / 5 - 1)),
                            strict=True):
        torch.testing.assert_close(ours, scaled, atol=2e-3, rtol=1e-2)
    plain = MODELS.build(config())
    assert not torch.allclose(plain((first, second))[0], plain((100 * first + 7, second))[0],
                              atol=1e-2)


@pytest.mark.parametrize('config', [encoders, classifiers])
def test_a_view_does_not_reach_the_other_network(config):
    model, (first, second) = MODELS.build(config()), views()
    for changed, index in (((first + 1, second), 0), ((first, second + 1), 1)):
        before, after = model((first, second)), model(changed)
        assert not torch.allclose(before[index], after[index])
        assert torch.equal(before[1 - index], after[1 - index])


def test_logits():
    model = MODELS.build(classifiers(num_classes=5))
    first, second = model(views())
    assert first.shape == second.shape == (6, 5)
    pooled = model.backbone2(views()[1])[0].mean(dim=(2, 3))
    torch.testing.assert_close(second, F.linear(pooled, model.fc2.weight, model.fc2.bias))
