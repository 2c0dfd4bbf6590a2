"""InfoMin's step against the algorithm written out by hand on tensors small enough to follow."""

import copy

import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from torch import nn
from torch.nn import functional as F

from infomin_plugin.models import InfoMin

CHANNELS, QUEUE, MOMENTUM, TEMPERATURE = 4, 5, 0.9, 0.15


@pytest.fixture(autouse=True)
def plugin_scope():
    init_default_scope('infomin_plugin')


def settings(jigsaw=True, **changes):
    neck = dict(type='mmselfsup.LinearNeck', in_channels=32, out_channels=CHANNELS)
    branch = dict(
        jigsaw_neck=dict(type='JigsawNeck', patch_neck=neck, channels=CHANNELS, num_patches=2),
        jigsaw_head=dict(type='ContrastiveHead', temperature=TEMPERATURE, loss_weight=0.5))
    return dict(
        backbone=dict(
            type='mmselfsup.ResNet', depth=18, stem_channels=4, base_channels=4,
            out_indices=(4, )),
        neck=neck,
        head=dict(type='ContrastiveHead', temperature=TEMPERATURE, loss_weight=0.5),
        memory=dict(type='KeyQueue', length=QUEUE, channels=CHANNELS),
        momentum=MOMENTUM) | (branch if jigsaw else {}) | changes


def build(seed=0, **changes):
    torch.manual_seed(seed)
    model = InfoMin(**settings(**changes))
    model.init_weights()
    return model


def batch(size=3, patches=2):
    return dict(views=[torch.randn(size, 3, 32, 32) for _ in range(2)],
                patches=[torch.randn(size, patches, 3, 16, 16)])


def embed(backbone, neck, images):
    """A trunk, global average pooling and a linear layer, normalised."""
    pooled = backbone(images)[0].mean(dim=(2, 3))
    return F.normalize(F.linear(pooled, neck.fc.weight, neck.fc.bias), dim=1)


def cross_entropy_by_hand(queries, keys, negatives):
    """Mean over queries of -log softmax of the own key, one query at a time."""
    losses = []
    for query, key in zip(queries, keys, strict=True):
        candidates = [key @ query] + [negative @ query for negative in negatives]
        logits = torch.stack(candidates) / TEMPERATURE
        losses.append(logits.exp().sum().log() - logits[0])
    return torch.stack(losses).mean()


def test_the_step_by_hand():
    model = build()
    query_trunk, query_neck = copy.deepcopy(model.backbone), copy.deepcopy(model.neck)
    key_trunk = copy.deepcopy(model.momentum_encoder.module.backbone)
    key_neck = copy.deepcopy(model.momentum_encoder.module.neck)
    jigsaw = copy.deepcopy(model.jigsaw_neck)
    queue = model.memory.keys.clone()
    inputs = batch()

    losses = model.loss(inputs)

    keys = embed(key_trunk, key_neck, inputs['views'][1])
    queries = embed(query_trunk, query_neck, inputs['views'][0])
    expected = 0.5 * cross_entropy_by_hand(queries, keys, queue)
    torch.testing.assert_close(losses['loss_view'], expected, rtol=1e-5, atol=1e-6)

    # the patches' order is random: the loss is that of one of the orders of every image
    patch_maps = query_trunk(inputs['patches'][0].flatten(0, 1))[0].mean(dim=(2, 3))
    patches = jigsaw.patch_neck.fc(patch_maps).view(3, 2, CHANNELS)
    orders = [[0, 1], [1, 0]]
    candidates = []
    for first in orders:
        for second in orders:
            for third in orders:
                rows = [patches[i, order].flatten()
                        for i, order in enumerate((first, second, third))]
                embedded = F.normalize(jigsaw.projection(torch.stack(rows)), dim=1)
                candidates.append(0.5 * cross_entropy_by_hand(embedded, keys, queue))
    distances = [(losses['loss_jigsaw'] - candidate).abs().item() for candidate in candidates]
    assert min(distances) < 1e-5

    # first in, first out, after the step; three of the five are replaced
    assert torch.equal(model.memory.keys, queue)
    model.after_optimizer_step()
    torch.testing.assert_close(model.memory.keys[:3], keys)
    assert torch.equal(model.memory.keys[3:], queue[3:])


def test_the_queue_wraps_around_over_steps():
    model = build(jigsaw=False)
    model.loss(batch())
    model.after_optimizer_step()
    second = batch()
    key_encoder = copy.deepcopy(model.momentum_encoder)
    model.loss(second)
    model.after_optimizer_step()
    keys = key_encoder(second['views'][1])
    torch.testing.assert_close(model.memory.keys[[3, 4, 0]], keys)
    assert model.memory.position.item() == 1


def test_key_encoder_follows_the_query_encoder():
    model = build(jigsaw=False)
    assert all(torch.equal(own, source) for own, source in zip(
        model.momentum_encoder.module.parameters(), model.encoder.parameters(), strict=True))
    before = {name: value.clone() for name, value in model.encoder.named_parameters()}
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    model.loss(batch())['loss_view'].backward()
    optimizer.step()
    moved = dict(model.encoder.named_parameters())
    assert any(not torch.equal(before[name], moved[name]) for name in before)
    model.after_optimizer_step()
    for name, own in model.momentum_encoder.module.named_parameters():
        torch.testing.assert_close(own, MOMENTUM * before[name] + (1 - MOMENTUM) * moved[name])


def test_gradient_reaches_the_query_side_only():
    model = build()
    losses = model.loss(batch())
    (losses['loss_view'] + losses['loss_jigsaw']).backward()
    trained = {name for name, value in model.named_parameters() if value.grad is not None}
    expected = {name for name, _ in model.named_parameters()
                if not name.startswith('momentum_encoder.')}
    assert trained == expected


def test_gradient_is_that_of_the_loss():
    """Finite differences: the negatives of the backward pass are those of the forward pass."""
    model = build(jigsaw=False).double()
    model.backbone.eval()
    inputs = dict(views=[view.double() for view in batch()['views']])
    state = copy.deepcopy(model.state_dict())
    model.loss(inputs)['loss_view'].backward()
    weight = model.neck.fc.weight
    gradient, step = weight.grad[1, 5].item(), 1e-6
    values = []
    for sign in (1, -1):
        model.load_state_dict(state)
        with torch.no_grad():
            weight[1, 5] += sign * step
            values.append(model.loss(inputs)['loss_view'].item())
    assert gradient == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-4, abs=1e-9)


def test_both_encoders_normalise_with_batch_statistics():
    model = build(jigsaw=False)
    model.train()
    assert all(module.training for module in model.modules() if isinstance(module, nn.BatchNorm2d))
    key_mean = model.momentum_encoder.module.backbone.bn1.running_mean
    model.loss(batch())
    assert key_mean.abs().sum() > 0
    assert not torch.equal(key_mean, model.backbone.bn1.running_mean)


def test_what_is_only_measured_moves_nothing():
    model = build(jigsaw=False)
    before = model.memory.keys.clone()
    with torch.no_grad():
        model.loss(batch())
    model.after_optimizer_step()
    assert torch.equal(model.memory.keys, before) and model.memory.position == 0


@pytest.mark.parametrize('memory', [
    dict(type='KeyQueue', length=9, channels=CHANNELS),
    dict(type='KeyBank', length=20, channels=CHANNELS, num_negatives=7)])
def test_accumulated_batches_are_one_large_batch(memory):
    """Batch norm frozen: two batches of 3 and a step are one batch of 6 and a step."""
    views = 2 if memory['type'] == 'KeyQueue' else 1
    data = [torch.randn(6, 3, 32, 32) for _ in range(views)]
    states = []
    for parts in (1, 2):
        model = build(jigsaw=False, memory=memory).double()
        model.backbone.eval()
        if model.momentum_encoder is not None:
            model.momentum_encoder.eval()
        wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1),
                               accumulative_counts=parts)
        for step in range(2):
            for part in range(parts):
                torch.manual_seed(step)  # the negatives of a bank
                share = slice(6 * part // parts, 6 * (part + 1) // parts)
                losses = model(dict(views=[view[share].double() for view in data]),
                               sample_idx=torch.arange(6)[share] + 6 * step, mode='loss')
                wrapper.update_params(losses['loss_view'])
            model.after_optimizer_step()
        states.append(model.state_dict())
    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value)


def test_it_is_moco_v1_and_v2_by_settings():
    linear = build(jigsaw=False)
    assert set(linear.loss(batch())) == {'loss_view', 'acc_view'}
    mlp = build(jigsaw=False, neck=dict(
        type='mmselfsup.MoCoV2Neck', in_channels=32, hid_channels=32, out_channels=CHANNELS))
    assert [type(layer) for layer in mlp.neck.mlp] == [nn.Linear, nn.ReLU, nn.Linear]
    assert set(mlp.loss(batch())) == {'loss_view', 'acc_view'}


def test_features_are_the_pooled_trunk():
    model = build().eval()
    images = torch.randn(2, 3, 32, 32)
    features = model(dict(views=[images]), mode='tensor')
    torch.testing.assert_close(features, model.backbone(images)[0].flatten(2).mean(dim=2))


@pytest.mark.parametrize('inputs, words', [
    (dict(views=[torch.zeros(2, 3, 32, 32)]), 'the pipeline makes 1: set num=2 in MultiView'),
    (dict(views=[torch.zeros(2, 3, 32, 32)] * 2, patches=[]), 'takes 1 set of patches'),
])
def test_refuses_another_number_of_views(inputs, words):
    with pytest.raises(ValueError, match=words):
        build().loss(inputs)


def test_refuses_half_a_jigsaw_branch():
    with pytest.raises(ValueError, match='both jigsaw_neck and jigsaw_head'):
        InfoMin(**settings(jigsaw_head=None))


def test_refuses_an_unknown_mode():
    with pytest.raises(ValueError, match="got 'predict'"):
        build()(batch(), mode='predict')


def banked(**changes):
    return build(memory=dict(type='KeyBank', length=6, channels=CHANNELS, num_negatives=4,
                             momentum=0.75), **changes)


def one_view(size=3):
    whole = batch(size)
    return dict(views=whole['views'][:1], patches=whole['patches'])


def test_the_step_with_a_bank_by_hand():
    model, inputs, indices = banked(), one_view(), torch.tensor([4, 0, 2])
    trunk, neck = copy.deepcopy(model.backbone), copy.deepcopy(model.neck)
    bank = model.memory.keys.clone()
    torch.manual_seed(1)
    negatives = bank[torch.randint(6, (4, ))]
    torch.manual_seed(1)
    losses = model(inputs, sample_idx=indices, mode='loss')

    queries = embed(trunk, neck, inputs['views'][0])
    expected = 0.5 * cross_entropy_by_hand(queries, bank[indices], negatives)
    torch.testing.assert_close(losses['loss_view'], expected, rtol=1e-5, atol=1e-6)
    # the keys follow the view, not the patches
    assert torch.equal(model.memory.keys, bank)
    model.after_optimizer_step()
    moved = F.normalize(0.75 * bank[indices] + 0.25 * queries, dim=1)
    torch.testing.assert_close(model.memory.keys[indices], moved)
    assert torch.equal(model.memory.keys[[1, 3, 5]], bank[[1, 3, 5]])
    assert set(losses) == {'loss_view', 'acc_view', 'loss_jigsaw', 'acc_jigsaw'}


def test_with_a_bank_there_is_no_key_encoder():
    model = banked()
    losses = model(one_view(), sample_idx=torch.tensor([0, 1, 2]), mode='loss')
    (losses['loss_view'] + losses['loss_jigsaw']).backward()
    assert all(value.grad is not None for value in model.parameters())
    assert not any(name.startswith('momentum_encoder') for name in model.state_dict())
    queries, keys = model.eval()(batch(), mode='pairs')[0]
    assert queries.shape == keys.shape and not torch.equal(queries, keys)


@pytest.mark.parametrize('inputs, indices, words', [
    (batch(), torch.tensor([0, 1, 2]), 'takes 1 view.* makes 2: set num=1'),
    (one_view(), None, "keep=.'sample_idx'"),
    (one_view(), torch.tensor([0, 1, 6]), '6 images, got index 6'),
])
def test_a_bank_says_what_it_needs(inputs, indices, words):
    with pytest.raises(ValueError, match=words):
        banked()(inputs, sample_idx=indices, mode='loss')


def test_another_memory_is_refused():
    with pytest.raises(TypeError, match='must be a KeyQueue or a KeyBank, got ContrastiveHead'):
        build(memory=dict(type='ContrastiveHead', temperature=1.0))
