"""Contrast of two frozen views: each kind of negatives by hand, and what stays frozen."""

import math

import pytest
import torch
from torch.nn import functional as F
from two_views import encoders, flow

from infomin_plugin.models import CrossViewContrast
from infomin_plugin.models.view_learning import cross_view_loss

TEMPERATURE, WEIGHT = 0.3, 0.7
QUEUE = dict(type='KeyQueue', length=10, channels=4)
BANK = dict(type='KeyBank', length=12, channels=4, num_negatives=9)


SHARED = dict(type='SharedEncoder', backbone=dict(type='TestTrunk', in_channels=3),
              neck=dict(type='mmselfsup.LinearNeck', in_channels=8, out_channels=4))


def build(**settings):
    torch.manual_seed(0)
    model = CrossViewContrast(**(dict(
        generator=dict(type='ColorSpaceGenerator', space='YDbDr'), encoders=encoders(),
        head=dict(type='ContrastiveHead', temperature=TEMPERATURE, loss_weight=WEIGHT)) | settings))
    model.init_weights()
    return model


def images(size=6):
    torch.manual_seed(1)
    return torch.rand(size, 3, 4, 5)


def loss_by_hand(queries, keys, negatives):
    """InfoNCE of N queries against one key each and K negatives, in nats."""
    terms = []
    for query, key in zip(queries, keys, strict=True):
        scores = [float(query @ key) / TEMPERATURE]
        scores += [float(query @ negative) / TEMPERATURE for negative in negatives]
        terms.append(-scores[0] + math.log(sum(map(math.exp, scores))))
    return sum(terms) / len(terms)


def test_in_batch_negatives():
    model = build()
    out = model(dict(views=[images()]), mode='loss')
    expected, accuracy = cross_view_loss(
        *model.encoders(model.generator.views(images())), TEMPERATURE)
    torch.testing.assert_close(out['loss'], WEIGHT * expected)
    torch.testing.assert_close(out['acc_contrast'], accuracy)
    torch.testing.assert_close(out['i_nce'], math.log(6) - expected)
    assert float(out['i_nce_max']) == pytest.approx(math.log(6))


def test_queue():
    model = build(memory=QUEUE, momentum=0.9)
    before = [memory.keys.clone() for memory in model.memories]
    for parameter in model.momentum_encoder.parameters():  # keys are not the queries
        parameter.data.add_(0.1)
    out = model(dict(views=[images()]), mode='loss')
    views = model.generator.views(images())
    queries, keys = model.encoders(views), model.momentum_encoder(views)
    nats = (loss_by_hand(queries[0], keys[1], before[1])
            + loss_by_hand(queries[1], keys[0], before[0])) / 2
    assert float(out['loss']) == pytest.approx(WEIGHT * nats, rel=1e-4)
    assert float(out['i_nce']) == pytest.approx(math.log(11) - nats, rel=1e-4)
    assert all(torch.equal(memory.keys, old)
               for memory, old in zip(model.memories, before, strict=True))
    source = model.encoders.encoder1.neck.fc.weight
    own = model.momentum_encoder.module.encoder1.neck.fc.weight
    expected = 0.9 * own + 0.1 * source
    model.after_optimizer_step()
    torch.testing.assert_close(own, expected)
    for memory, new, old in zip(model.memories, keys, before, strict=True):
        torch.testing.assert_close(memory.keys[:6], new)
        assert torch.equal(memory.keys[6:], old[6:])


def test_bank():
    model, indices = build(memory=BANK), torch.tensor([7, 0, 3, 11, 5, 2])
    before = [memory.keys.clone() for memory in model.memories]
    inputs = dict(views=[images()])
    torch.manual_seed(4)
    out = model(inputs, sample_idx=indices, mode='loss')
    torch.manual_seed(4)  # the banks draw in this order
    drawn = {1: torch.randint(12, (9, )), 0: torch.randint(12, (9, ))}
    queries = model.encoders(model.generator.views(images()))
    nats = sum(loss_by_hand(queries[i], before[1 - i][indices], before[1 - i][drawn[1 - i]])
               for i in (0, 1)) / 2
    assert float(out['loss']) == pytest.approx(WEIGHT * nats, rel=1e-4)
    model.after_optimizer_step()
    for memory, new, old in zip(model.memories, queries, before, strict=True):
        torch.testing.assert_close(memory.keys[indices], F.normalize(old[indices] + new, dim=1))
        untouched = [i for i in range(12) if i not in indices]
        assert torch.equal(memory.keys[untouched], old[untouched])


@pytest.mark.parametrize('memory', [None, QUEUE, BANK], ids=['batch', 'queue', 'bank'])
def test_a_learned_generator_is_frozen_and_both_encoders_learn(memory):
    model = build(generator=flow(), memory=memory).train()
    assert not model.generator.training and model.encoders.training
    before = {name: p.clone() for name, p in model.named_parameters()}
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.5)
    model(dict(views=[images()]), sample_idx=torch.arange(6), mode='loss')['loss'].backward()
    optimiser.step()
    changed = {name.rsplit('.', 3)[0] for name, p in model.named_parameters()
               if not torch.equal(p, before[name])}
    assert {name.split('.')[0] for name in changed} == {'encoders'}
    assert any('encoder1' in name for name in changed)
    assert any('encoder2' in name for name in changed)


def test_the_generator_of_a_view_learning_run_is_taken(tmp_path):
    source = build(generator=flow()).generator
    for parameter in source.parameters():
        torch.nn.init.normal_(parameter)
    torch.save(dict(state_dict={f'generator.{name}': value
                                for name, value in source.state_dict().items()}
                    | {'encoders.x': torch.ones(1)}), tmp_path / 'learned.pth')
    pretrained = dict(type='Pretrained', prefix='generator.',
                      checkpoint=str(tmp_path / 'learned.pth'))
    model = build(generator=flow(init_cfg=pretrained))
    torch.testing.assert_close(model.generator(images()), source(images()))


def test_features_of_both_trunks():
    model = build().eval()
    features = model(dict(views=[images()]))
    torch.testing.assert_close(
        features, model.encoders.features(model.generator.views(images())))
    assert features.shape == (6, 16)


def test_views_of_the_pipeline_and_one_encoder_for_both():
    model = build(generator=None, encoders=SHARED)
    first, second = images(), images().flip(1) * 0.7
    out = model(dict(views=[first, second]), mode='loss')
    encode = model.encoders.encoder
    expected, _ = cross_view_loss(encode(first), encode(second), TEMPERATURE)
    torch.testing.assert_close(out['loss'], WEIGHT * expected)
    torch.testing.assert_close(model(dict(views=[first])), encode.features(first))


def test_views_of_any_channels():
    trunk = dict(type='TestTrunk', in_channels=3)
    both = {f'encoder{i}': dict(backbone=trunk, neck=SHARED['neck']) for i in (1, 2)}
    model = build(generator=dict(type='FrequencySplit', sigma=0.7), encoders=dict(
        type='TwoViewEncoder', **both, view_norm=True, view_channels=(3, 3)))
    model(dict(views=[images()]), mode='loss')['loss'].backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.encoders.parameters())


@pytest.mark.parametrize('memory', [None, QUEUE, BANK], ids=['batch', 'queue', 'bank'])
def test_pairs_are_what_the_loss_compares(memory):
    model = build(memory=memory).eval()
    if memory is QUEUE:
        for parameter in model.momentum_encoder.parameters():
            parameter.data.add_(0.1)
    views = model.generator.views(images())
    queries = model.encoders(views)
    keys = model.momentum_encoder(views) if memory is QUEUE else queries
    pairs = model(dict(views=[images()]), mode='pairs')
    for i in (0, 1):
        torch.testing.assert_close(pairs[i][0], queries[i])
        torch.testing.assert_close(pairs[i][1], keys[1 - i])
    if memory is None:
        assert model.stored_keys is None
    else:
        assert [keys.data_ptr() for keys in model.stored_keys] == [
            model.memories[1].keys.data_ptr(), model.memories[0].keys.data_ptr()]


def test_bad_settings_are_named():
    with pytest.raises(TypeError, match='memory must be a KeyQueue or a KeyBank, got'):
        build(memory=dict(type='ContrastiveHead', temperature=1))
    with pytest.raises(ValueError, match='head.loss_weight must be above 0'):
        build(head=dict(type='ContrastiveHead', temperature=1, loss_weight=0))
    with pytest.raises(ValueError, match="keep=.'sample_idx'"):
        build(memory=BANK)(dict(views=[images()]), mode='loss')
    with pytest.raises(ValueError, match="modes 'loss', 'tensor' and 'pairs', got 'predict'"):
        build()(dict(views=[images()]), mode='predict')
    with pytest.raises(ValueError, match='the pipeline must make 1, it makes 2'):
        build()(dict(views=[images(), images()]), mode='loss')
    with pytest.raises(ValueError, match='the pipeline must make 2, it makes 1'):
        build(generator=None, encoders=SHARED)(dict(views=[images()]), mode='loss')
