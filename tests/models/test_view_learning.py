"""The game of view learning: whose step changes what, and in which direction."""

import math
from copy import deepcopy

import pytest
import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import nn
from torch.nn import functional as F
from two_views import classifiers, encoders, flow

from infomin_plugin.models import ViewLearning
from infomin_plugin.models.view_learning import cross_view_loss, held

PREPROCESSOR = dict(type='infomin_plugin.ViewDataPreprocessor', mean=(0., 0., 0.),
                    std=(255., 255., 255.), keep=('gt_label', ))


def build(seed=0, **settings):
    torch.manual_seed(seed)
    model = ViewLearning(**(dict(
        generator=flow('affine'), encoders=encoders(), classifiers=classifiers(), temperature=0.2,
        data_preprocessor=PREPROCESSOR) | settings))
    for parameter in model.generator.parameters():  # away from the identity
        nn.init.normal_(parameter, std=0.3)
    return model


def optimisers(model, **rates):
    return OptimWrapperDict(**{
        name: OptimWrapper(torch.optim.SGD(child.parameters(), lr=rates.get(name, 0.)))
        for name, child in model.named_children() if list(child.parameters())})


def batch(size=6, labels=None, seed=1):
    generator = torch.Generator().manual_seed(seed)
    colours = torch.randint(206, (size, 1, 1, 3), generator=generator)
    images = (colours + torch.randint(50, (size, 4, 5, 3), generator=generator)).byte()
    labels = [0, 1] * (size // 2) if labels is None else labels
    return dict(inputs=dict(views=[images], patches=[]), gt_label=torch.tensor(labels))


def test_loss_is_the_mean_of_both_directions():
    torch.manual_seed(0)
    first, second = (F.normalize(torch.randn(5, 3), dim=1) for _ in range(2))
    loss, accuracy = cross_view_loss(first, second, 0.3)
    terms, hits = [], 0
    for queries, keys in ((first, second), (second, first)):
        for i in range(5):
            scores = [float(queries[i] @ keys[j]) / 0.3 for j in range(5)]
            terms.append(-scores[i] + math.log(sum(map(math.exp, scores))))
            hits += scores[i] == max(scores)
    assert float(loss) == pytest.approx(sum(terms) / 10, rel=1e-5)
    assert float(accuracy) == pytest.approx(100 * hits / 10)


@pytest.mark.parametrize('player', ['generator', 'encoders', 'classifiers'])
def test_a_players_step_changes_nobody_else(player):
    model = build()
    before = {name: value.clone() for name, value in model.named_parameters()}
    model.train_step(batch(), optimisers(model, **{player: 0.1}))
    changed = {name.split('.')[0] for name, value in model.named_parameters()
               if not torch.equal(value, before[name])}
    assert changed == {player}
    assert all(p.requires_grad for p in model.parameters())


def test_no_gradient_is_left_for_anybodys_next_step():
    """Optimisers clear gradients after their step: what another player left would be added."""
    model = build()
    model.train_step(batch(), optimisers(model))
    left = [name for name, p in model.named_parameters() if p.grad is not None and p.grad.any()]
    assert not left


def test_the_generator_works_against_the_encoders():
    """A small step of either moves I_NCE: up for the encoders, down for the generator."""

    def i_nce(model):
        images = batch()['inputs']['views'][0].movedim(-1, 1) / 255
        return math.log(6) - float(cross_view_loss(
            *model.encoders(model.generator.views(images)), 0.2)[0])

    for player, sign in (('encoders', 1), ('generator', -1)):
        model = build(classifiers=None)
        start = i_nce(model)
        model.train_step(batch(), optimisers(model, **{player: 0.5}))
        assert sign * (i_nce(model) - start) > 1e-5


def test_gradients_of_two_parameters_are_those_of_finite_differences():
    """One weight of the generator descends I_NCE, one of an encoder ascends it."""
    model = build(classifiers=None).double()
    images = batch()['inputs']['views'][0].movedim(-1, 1).double() / 255
    model.data_preprocessor.forward = lambda data, training: dict(
        inputs=dict(views=[images]))

    def i_nce():
        return math.log(6) - cross_view_loss(
            *model.encoders(model.generator.views(images)), 0.2)[0].item()

    weights = dict(generator=model.generator.blocks[0].first.out.weight,
                   encoders=model.encoders.encoder1.backbone.layers[0].weight)
    rate = 1e-3
    for player, weight in weights.items():
        copy = deepcopy(model.state_dict())
        flat = weight.data.view(-1)
        flat[0] += 1e-6
        above = i_nce()
        flat[0] -= 2e-6
        slope = (above - i_nce()) / 2e-6
        model.load_state_dict(copy)
        before = flat[0].item()
        model.train_step(batch(), optimisers(model, **{player: rate}))
        step = (flat[0].item() - before) / rate
        sign = -1 if player == 'generator' else 1
        assert step == pytest.approx(sign * slope, rel=1e-3)
        model.load_state_dict(copy)


@pytest.mark.parametrize('view_norm', [False, True])
def test_unlabelled_images_leave_the_classifiers_alone(view_norm):
    """Not even through the statistics of batch norm."""
    settings = dict(classifiers=classifiers(view_norm=view_norm))
    labelled, mixed = build(**settings), build(**settings)
    small, data = batch(2), batch(6, [0, 1, -1, -1, -1, -1])
    small['inputs']['views'] = [data['inputs']['views'][0][:2]]
    for model, given in ((labelled, small), (mixed, data)):
        model.train_step(given, optimisers(model, classifiers=0.1))
    for ours, theirs in zip(mixed.classifiers.parameters(), labelled.classifiers.parameters(),
                            strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_batch_without_labels_is_unsupervised():
    model, reference = build(), build(classifiers=None)
    reference.load_state_dict(model.state_dict(), strict=False)
    log = model.train_step(batch(labels=[-1] * 6), optimisers(model, generator=0.1))
    reference.train_step(batch(), optimisers(reference, generator=0.1))
    assert not {'acc1', 'acc2', 'loss_classifiers'} & set(log)
    for ours, theirs in zip(model.generator.parameters(), reference.generator.parameters(),
                            strict=True):
        torch.testing.assert_close(ours, theirs)


def test_classifiers_rest_without_labels_whatever_their_optimiser_remembers():
    model = build()
    players = OptimWrapperDict(**{
        name: OptimWrapper(torch.optim.AdamW(child.parameters(), lr=0.01))
        for name, child in model.named_children() if list(child.parameters())})
    model.train_step(batch(), players)
    before = [p.clone() for p in model.classifiers.parameters()]
    model.train_step(batch(labels=[-1] * 6), players)
    assert all(map(torch.equal, model.classifiers.parameters(), before))


def test_supervised_the_generator_rests_without_labels():
    model = build(contrast_weight=0.)
    before = [p.clone() for p in model.generator.parameters()]
    log = model.train_step(batch(labels=[-1] * 6), optimisers(model, generator=0.1))
    assert all(map(torch.equal, model.generator.parameters(), before))
    assert 'i_nce' in log and 'loss_generator' not in log


def test_the_generators_loss_is_the_weighted_sum():
    log = build(contrast_weight=0.5, classifier_weight=3.).train_step(
        batch(), optimisers(build()))
    expected = 0.5 * log['i_nce'] + 3 * log['loss_classifiers']
    torch.testing.assert_close(log['loss_generator'], expected)
    assert float(log['i_nce_max']) == pytest.approx(math.log(6))
    assert log['i_nce'] + log['loss_encoders'] == pytest.approx(math.log(6), abs=1e-5)


def test_supervised_the_encoders_do_not_reach_the_generator():
    """Not even where their output is no number, which 0 times it would be as well."""
    model, broken = build(contrast_weight=0.), build(contrast_weight=0.)
    nn.init.constant_(broken.encoders.encoder1.backbone.layers[0].weight, float('nan'))
    for each in (model, broken):
        each.train_step(batch(), optimisers(each, generator=0.1))
    for ours, theirs in zip(broken.generator.parameters(), model.generator.parameters(),
                            strict=True):
        assert torch.equal(ours, theirs)


def test_encoder_steps_come_before_the_generators():
    once, twice = build(classifiers=None), build(classifiers=None, encoder_steps=2)
    for model in (once, twice):
        model.train_step(batch(), optimisers(model, encoders=0.1))
    once.train_step(batch(), optimisers(once, encoders=0.1))
    for ours, theirs in zip(twice.parameters(), once.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_statistics_are_those_of_z():
    model, data = build(), batch()
    images = data['inputs']['views'][0].movedim(-1, 1) / 255
    z = model.generator(images)
    log = model.train_step(data, optimisers(model))
    assert float(log['z1_mean']) == pytest.approx(z[:, 1].mean().item(), rel=1e-4)
    assert float(log['z2_std']) == pytest.approx(z[:, 2].std().item(), rel=1e-4)
    log_det = model.generator.log_det(images)
    assert float(log['log_det_min']) == pytest.approx(log_det.min().item(), rel=1e-4)
    assert float(log['log_det_max']) == pytest.approx(log_det.max().item(), rel=1e-4)


def test_held_restores_what_was_trained():
    layer = nn.Linear(2, 2)
    layer.bias.requires_grad_(False)
    with pytest.raises(RuntimeError), held(layer):
        assert not layer.weight.requires_grad
        raise RuntimeError
    assert layer.weight.requires_grad and not layer.bias.requires_grad


@pytest.mark.parametrize('settings, words', [
    (dict(temperature=0), 'temperature must be above 0, got 0'),
    (dict(contrast_weight=-1), 'must not be negative'),
    (dict(encoder_steps=0), 'encoder_steps at least 1'),
    (dict(contrast_weight=0, classifiers=None), 'nothing is left for the generator'),
    (dict(classifiers=classifiers(num_classes=1)), 'num_classes must be at least 2, got 1'),
])
def test_bad_arguments_are_named(settings, words):
    with pytest.raises(ValueError, match=words):
        build(**settings)


def test_missing_labels_are_named():
    model = build(data_preprocessor=PREPROCESSOR | dict(keep=()))
    with pytest.raises(ValueError, match='classifiers need labels'):
        model.train_step(batch(), optimisers(model))
    data = batch()
    data.pop('gt_label')
    with pytest.raises(KeyError, match='keep: the batch has no .*gt_label'):
        build().train_step(data, optimisers(build()))
