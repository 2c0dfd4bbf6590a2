"""Encoders of clips and of frames, and the supervised model on the same trunk."""

import pytest
import torch
from torch.nn import functional as F

from infomin_plugin.models.frame_encoders import FrameTrunk
from infomin_plugin.registry import MODELS

SMALL = dict(feature_channels=16, embed_channels=8, channels=(4, 8), frame_size=12)


def encoders(**options):
    torch.manual_seed(0)
    return MODELS.build(dict(type='SequenceFrameEncoder', **(SMALL | options)))


def supervised(factor, num_classes=None, **options):
    torch.manual_seed(0)
    return MODELS.build(dict(type='SupervisedFactor', factor=factor, num_classes=num_classes,
                             **options))


def views(num=5, frames=6, side=12):
    rng = torch.Generator().manual_seed(1)
    return [torch.rand(num, frames, 3, side, side, generator=rng),
            torch.rand(num, 3, side, side, generator=rng)]


def test_published_sizes():
    model = encoders(feature_channels=64, embed_channels=64, channels=(8, 16, 32, 64),
                     frame_size=64)
    clips, frames = views(2, 10, 64)
    assert [tuple(view.shape) for view in model((clips, frames))] == [(2, 64), (2, 64)]
    assert model.features([clips]).shape == (2, 64)
    weights = [3 * 8 * 9 + 16, 8 * 16 * 9 + 32, 16 * 32 * 9 + 64, 32 * 64 * 9 + 128,
               64 * (4 * 4 + 1) * 64 + 64]
    assert sum(p.numel() for p in model.trunk2.parameters()) == sum(weights)
    lstm = 4 * 64 * (64 + 64 + 2)
    assert sum(p.numel() for p in model.trunk1.parameters()) == sum(weights) + lstm


@pytest.mark.parametrize('size', [12, 13, 15])
def test_a_trunk_takes_frames_of_any_side(size):
    assert FrameTrunk(channels=(4, 8), frame_size=size)(torch.rand(2, 3, size, size)).shape == (
        2, 64)


def test_embeddings_are_unit_vectors_and_projected_features():
    model = encoders().eval()
    clips, frames = views()
    first, second = model((clips, frames))
    for embeddings in (first, second):
        assert embeddings.shape == (5, 8)
        torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(5))
    features = model.features([clips, frames])
    assert features.shape == (5, 16)
    assert torch.equal(features, model.features([clips]))
    torch.testing.assert_close(first, F.normalize(model.projection1(features), dim=1))


def test_features_are_the_cell_equations_run_over_the_frames():
    model = encoders().eval()
    clips, _ = views()
    lstm = model.trunk1.lstm
    state, cell = torch.zeros(5, 16), torch.zeros(5, 16)
    for frames in clips.unbind(1):
        gates = (F.linear(model.trunk1.frames(frames), lstm.weight_ih_l0, lstm.bias_ih_l0)
                 + F.linear(state, lstm.weight_hh_l0, lstm.bias_hh_l0))
        take, keep, new, give = gates.chunk(4, dim=1)
        cell = keep.sigmoid() * cell + take.sigmoid() * new.tanh()
        state = give.sigmoid() * cell.tanh()
    torch.testing.assert_close(model.features([clips]), state)


def test_the_order_of_frames_counts():
    model = encoders().eval()
    clips, _ = views()
    shuffled = clips[:, [3, 0, 5, 1, 4, 2]]
    assert (model.features([clips]) - model.features([shuffled])).abs().max() > 1e-3


def test_samples_do_not_see_each_other():
    model = encoders().eval()
    clips, frames = views()
    together = model((clips, frames))
    for index in range(5):
        alone = model((clips[index:index + 1], frames[index:index + 1]))
        for ours, theirs in zip(alone, together, strict=True):
            torch.testing.assert_close(ours[0], theirs[index])


def test_views_reach_their_own_network_alone():
    model = encoders()
    clips, frames = views()
    before = model((clips, frames))
    for changed, index in (((clips.flip(1), frames), 0), ((clips, frames.flip(2)), 1)):
        after = model(changed)
        assert not torch.allclose(before[index], after[index])
        assert torch.equal(before[1 - index], after[1 - index])


def test_gradients_reach_all_parameters():
    model = encoders()
    first, second = model(views())
    F.cross_entropy(first @ second.T / 0.1, torch.arange(5)).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


def test_a_frame_is_no_clip():
    with pytest.raises(ValueError, match=r'clips must be N×T×C×H×W, got the shape \(5, 3, 12, 12'):
        encoders().features(views()[1:])


def test_a_trunk_needs_a_convolution():
    with pytest.raises(ValueError, match='channels'):
        encoders(channels=())


def spots(num, seed):
    """Clips of a bright square that stands still, the class of its shade, and its centre."""
    rng = torch.Generator().manual_seed(seed)
    corners = torch.randint(0, 13, (num, 2), generator=rng)
    shades = torch.randint(0, 3, (num, ), generator=rng)
    clips = torch.zeros(num, 2, 3, 16, 16)
    for clip, (y, x), shade in zip(clips, corners, shades, strict=True):
        clip[:, shade, y:y + 4, x:x + 4] = 1
    labels = dict(gt_label=shades, background=(shades + 1) % 3, position=corners + 2.0)
    return dict(inputs=dict(views=[clips]), **labels)


@pytest.mark.parametrize('factor, num_classes', [('digit', 3), ('background', 3),
                                                 ('position', None)])
def test_learns_a_factor(factor, num_classes):
    model = supervised(factor, num_classes, canvas=16, trunk=dict(channels=(8, 16)))
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    train, test = spots(256, 0), spots(100, 1)
    for _ in range(60):
        losses = model(**train, mode='loss')
        optimiser.zero_grad()
        losses['loss'].backward()
        optimiser.step()
    model.eval()
    with torch.no_grad():
        predictions = model.head(model(**test))  # of the features
        losses = model(**test, mode='loss')
    if factor == 'position':
        distance = (predictions * 16 - test['position']).norm(dim=1).mean()
        assert distance < 1.5  # the mean of all places is 5.7 px away
        torch.testing.assert_close(losses['distance'], distance)
        torch.testing.assert_close(
            losses['loss'], F.mse_loss(predictions, test['position'] / 16))
    else:
        labels = test['gt_label' if factor == 'digit' else 'background']
        assert (predictions.argmax(dim=1) == labels).float().mean() > 0.95
        assert losses['acc'] > 95
        torch.testing.assert_close(losses['loss'], F.cross_entropy(predictions, labels))


def test_trains_by_mmengine(tmp_path):
    """The labels come through ``keep`` of the preprocessor."""
    from mmengine.optim import OptimWrapper

    model = supervised('position', data_preprocessor=dict(
        type='ViewDataPreprocessor', mean=[0.0] * 3, std=[255.0] * 3, keep=('position', )))
    batch = dict(inputs=dict(views=[torch.zeros(4, 10, 64, 64, 3, dtype=torch.uint8)]),
                 position=torch.full((4, 2), 32.0), gt_label=torch.zeros(4))
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), 0.1))
    first = model.train_step(batch, wrapper)['loss']
    assert model.train_step(batch, wrapper)['loss'] < first


@pytest.mark.parametrize('options, message', [
    (dict(factor='colour'), "factor must be one of .*'colour'"),
    (dict(factor='digit'), "num_classes must be at least 2 for factor='digit', got None"),
    (dict(factor='background', num_classes=1), 'num_classes must be at least 2.*got 1'),
    (dict(factor='position', num_classes=10), "num_classes must be None for factor='position'"),
])
def test_wrong_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        supervised(**options)


def test_wrong_calls():
    model = supervised('digit', 3, canvas=16, trunk=dict(channels=(8, 16)))
    batch = spots(4, 0)
    with pytest.raises(ValueError, match="modes 'loss' and 'tensor', got 'predict'"):
        model(batch['inputs'], mode='predict')
    with pytest.raises(ValueError, match="needs 'gt_label' of the batch.*keep"):
        model(batch['inputs'], mode='loss', position=batch['position'])
