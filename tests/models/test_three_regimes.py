"""Where the right answer is known: the label is in all channels, a nuisance in two of them.

Every image is one pixel: x0 = label + nuisance, x1 = label + nuisance, x2 = label, each with noise
of its own; the views are x0 | x1, x2. Nothing but the label is needed, and everything but the label
can be taken out of what the views share, for instance by x0 - x1 + x2.
"""

import math

import numpy as np
import pytest
import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from sklearn.linear_model import LogisticRegression
from two_views import classifiers, encoders, flow

from infomin_plugin.models import ViewLearning
from infomin_plugin.models.view_learning import cross_view_loss
from infomin_plugin.registry import MODELS

BATCH, STEPS, HIDDEN, TEMPERATURE = 128, 300, 32, 0.2


def draw(size, generator):
    """Draw images (N×3×1×1) and labels (N)."""
    labels = torch.randint(2, (size, ), generator=generator)
    noise = 0.3 * torch.randn(size, 3, generator=generator)
    shared = (labels * 2. - 1)[:, None].repeat(1, 3)
    nuisance = torch.randn(size, 1, generator=generator)
    shared[:, :2] += nuisance
    return (shared + noise)[..., None, None], labels


def learn(regime):
    """Learn views: a generator."""
    torch.manual_seed(0)
    model = ViewLearning(
        generator=flow(channels=((0, ), (1, 2))), encoders=encoders(HIDDEN),
        classifiers=None if regime == 'unsupervised' else classifiers(hidden=HIDDEN),
        contrast_weight=0. if regime == 'supervised' else 1., classifier_weight=3.,
        temperature=TEMPERATURE, encoder_steps=2)
    rates = dict(generator=3e-3, encoders=3e-3, classifiers=3e-3)
    players = OptimWrapperDict(**{
        name: OptimWrapper(torch.optim.Adam(child.parameters(), lr=rates[name]))
        for name, child in model.named_children() if name in rates})
    generator = torch.Generator().manual_seed(1)
    model.data_preprocessor.forward = lambda data, training: data
    for _ in range(STEPS):
        images, labels = draw(BATCH, generator)
        if regime == 'semi-supervised':
            labels[BATCH // 4:] = -1
        model.train_step(dict(inputs=dict(views=[images]), gt_label=labels), players)
    return model.generator


def measure(view_generator):
    """I_NCE of the views by encoders of their own on new images; accuracy of each view's label."""
    torch.manual_seed(2)
    judges, generator = MODELS.build(encoders(HIDDEN)), torch.Generator().manual_seed(3)
    optimiser = torch.optim.Adam(judges.parameters(), lr=3e-3)
    for _ in range(STEPS):
        with torch.no_grad():
            views = view_generator.views(draw(BATCH, generator)[0])
        optimiser.zero_grad()
        cross_view_loss(*judges(views), TEMPERATURE)[0].backward()
        optimiser.step()
    with torch.no_grad():
        losses = [cross_view_loss(*judges(view_generator.views(draw(BATCH, generator)[0])),
                                  TEMPERATURE)[0].item() for _ in range(20)]
        (images, labels), (new, truth) = draw(1000, generator), draw(1000, generator)
        views, tests = view_generator.views(images), view_generator.views(new)
    accuracies = [LogisticRegression().fit(view.flatten(1), labels).score(test.flatten(1), truth)
                  for view, test in zip(views, tests, strict=True)]
    return math.log(BATCH) - np.mean(losses), accuracies


@pytest.fixture(scope='module')
def measured():
    raw = MODELS.build(dict(type='ColorSpaceGenerator', space='RGB'))
    return {'raw': measure(raw)} | {
        regime: measure(learn(regime))
        for regime in ('unsupervised', 'semi-supervised', 'supervised')}


def test_unsupervised_learning_lowers_i_nce_and_loses_the_label(measured):
    (raw, (raw_label, _)), (lowered, (label, _)) = measured['raw'], measured['unsupervised']
    assert lowered < raw / 3
    assert label < raw_label - 0.2


def test_semi_supervised_learning_lowers_i_nce_and_keeps_the_label(measured):
    raw, (raw_label, _) = measured['raw']
    lowered, labels = measured['semi-supervised']
    # What is left is the label, one bit.
    assert lowered < min(raw - 0.3, math.log(2) + 0.1)
    assert min(labels) > raw_label + 0.05


def test_supervised_learning_does_not_lower_i_nce(measured):
    raw, _ = measured['raw']
    kept, labels = measured['supervised']
    assert kept > raw - 0.05
    assert min(labels) > 0.95
