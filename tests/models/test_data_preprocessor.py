import pytest
import torch
from torchvision.transforms.functional import normalize

from infomin_plugin.models import ViewDataPreprocessor

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def batch():
    torch.manual_seed(0)
    return dict(
        inputs=dict(
            views=[torch.randint(256, (2, 8, 6, 3), dtype=torch.uint8) for _ in range(2)],
            patches=[torch.randint(256, (2, 9, 4, 4, 3), dtype=torch.uint8)]),
        img_path=['a', 'b'])


@pytest.mark.parametrize('channels_last', [False, True])
def test_normalises_views_and_patches_as_torchvision_does(channels_last):
    data = batch()
    out = ViewDataPreprocessor(MEAN, STD, channels_last)(data)['inputs']
    for kind in ('views', 'patches'):
        for ours, raw in zip(out[kind], data['inputs'][kind], strict=True):
            assert ours.dtype == torch.float32
            assert channels_last or ours.is_contiguous()
            expected = normalize(raw.movedim(-1, -3).float(), MEAN, STD)
            torch.testing.assert_close(ours, expected)


def test_channels_last_is_what_convolutions_see():
    out = ViewDataPreprocessor(MEAN, STD, channels_last=True)(batch())['inputs']
    assert out['views'][0].is_contiguous(memory_format=torch.channels_last)
    flat = out['patches'][0].flatten(0, 1)
    assert flat.is_contiguous(memory_format=torch.channels_last)
    assert flat.data_ptr() == out['patches'][0].data_ptr()  # a view, not another copy


@pytest.mark.parametrize('channels_last', [False, True])
def test_recipes_change_the_views_of_a_training_only(channels_last):
    invert = dict(type='BatchedRecipe', recipe=[
        dict(type='RandAugment', ops=['Invert'], num_ops=1, prob=1)])
    preprocessor = ViewDataPreprocessor(
        MEAN, STD, channels_last, recipes=dict(views=[invert, None], patches=[invert]))
    plain, data = ViewDataPreprocessor(MEAN, STD, channels_last), batch()
    inverted = dict(inputs={kind: [255 - images for images in batches]
                            for kind, batches in batch()['inputs'].items()})
    changed, expected = preprocessor(data, training=True)['inputs'], plain(inverted)['inputs']
    kept = plain(data)['inputs']
    torch.testing.assert_close(changed['views'][0], expected['views'][0])
    torch.testing.assert_close(changed['views'][1], kept['views'][1])
    torch.testing.assert_close(changed['patches'][0], expected['patches'][0])
    for kind, batches in preprocessor(data)['inputs'].items():
        for ours, reference in zip(batches, kept[kind], strict=True):
            torch.testing.assert_close(ours, reference)


def test_recipes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="recipes may have 'views' and 'patches', got .'view'"):
        ViewDataPreprocessor(MEAN, STD, recipes=dict(view=[]))
    with pytest.raises(ValueError, match='recipes.views has 1 entries, the pipeline makes 2 views'):
        ViewDataPreprocessor(MEAN, STD, recipes=dict(views=[None]))(batch(), training=True)


@pytest.mark.parametrize('std', [(1.0, 0.0, 1.0), (1.0, 1.0)])
def test_refuses_deviations_that_do_not_fit(std):
    with pytest.raises(ValueError, match='one value a channel, std above 0'):
        ViewDataPreprocessor(MEAN, std)


def darker(factor):
    """The config of a batched recipe without chance."""
    return dict(type='BatchedRecipe', recipe=[
        dict(type='ColorJitter', brightness=(factor, factor)),
        dict(type='RandomApply', prob=1, transforms=[dict(type='RandomGrayscale', prob=0)])])


@pytest.mark.parametrize('channels_last', [False, True])
def test_recipes_change_the_batches_of_a_training_each_its_own(channels_last):
    data = batch()
    before = [raw.clone() for raw in (*data['inputs']['views'], *data['inputs']['patches'])]
    prepare = ViewDataPreprocessor(
        MEAN, STD, channels_last, recipes=dict(views=[darker(0.5), None], patches=[darker(0.25)]))
    out = prepare(data, training=True)['inputs']
    raw = [view.movedim(-1, -3).float() for view in before]
    expected = [(raw[0] / 2).floor(), raw[1], (raw[2] / 4).floor()]
    for ours, levels in zip((*out['views'], *out['patches']), expected, strict=True):
        torch.testing.assert_close(ours, normalize(levels, MEAN, STD))
        if channels_last:
            assert ours.flatten(0, -4).is_contiguous(memory_format=torch.channels_last)
        else:
            assert ours.is_contiguous()
    for raw, copy in zip((*data['inputs']['views'], *data['inputs']['patches']), before,
                         strict=True):
        assert torch.equal(raw, copy)


def test_images_to_test_on_are_never_augmented():
    prepare = ViewDataPreprocessor(MEAN, STD, recipes=dict(views=[darker(0.5)] * 2))
    plain = ViewDataPreprocessor(MEAN, STD)
    one_view = dict(inputs=dict(views=batch()['inputs']['views'][:1]))  # as a kNN loader's
    for data in (one_view, batch()):
        for ours, expected in zip(prepare(data)['inputs']['views'], plain(data)['inputs']['views'],
                                  strict=True):
            assert torch.equal(ours, expected)


def test_recipes_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"'views' and 'patches', got \['view'\]"):
        ViewDataPreprocessor(MEAN, STD, recipes=dict(view=[None]))
    prepare = ViewDataPreprocessor(MEAN, STD, recipes=dict(views=[darker(0.5)]))
    with pytest.raises(ValueError, match=r'recipes.views has 1 entries, the pipeline makes 2'):
        prepare(batch(), training=True)
