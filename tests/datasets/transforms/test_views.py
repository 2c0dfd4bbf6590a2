"""Views and patches of a sample, and how they are packed."""

import numpy as np
import pytest
import torch
from mmengine.dataset import default_collate
from mmengine.registry import DefaultScope
from PIL import Image
from scipy import stats
from sklearn.datasets import load_sample_images

from infomin_plugin.datasets.transforms import (
    LoadImage,
    MultiView,
    PackViews,
    RandomApply,
    RandomFlip,
)
from infomin_plugin.datasets.transforms.loading import EncodedJpeg

CROP = dict(type='RandomResizedCrop', size=32)
FLIP = dict(type='RandomFlip', prob=1)
PATCHES = [dict(type='RandomResizedCrop', size=48), dict(type='JigsawPatches', cell=16, patch=12)]


def test_views_are_independent_draws_of_the_recipe(photo):
    out = MultiView(dict(num=3, recipe=[CROP]))(dict(img=photo, img_path='a'))
    assert [view.shape for view in out['views']] == [(32, 32, 3)] * 3
    assert len({view.tobytes() for view in out['views']}) == 3
    assert out['patches'] == [] and out['img_path'] == 'a' and 'img' not in out


def test_several_recipes_keep_their_order(photo):
    views = [dict(num=1, recipe=[]), dict(num=2, recipe=[FLIP])]
    out = MultiView(views, dict(num=2, recipe=PATCHES))(dict(img=photo))
    first, second, third = out['views']
    np.testing.assert_array_equal(first, photo)
    np.testing.assert_array_equal(second, photo[:, ::-1])
    np.testing.assert_array_equal(third, photo[:, ::-1])
    assert [patches.shape for patches in out['patches']] == [(9, 12, 12, 3)] * 2


def test_names_are_ours_whatever_the_default_scope(photo):
    # mmcv registers a RandomFlip and a RandomApply of its own at MMEngine's root.
    with DefaultScope.overwrite_default_scope('mmengine'):
        views = MultiView(dict(num=1, recipe=[dict(type='RandomApply', transforms=[FLIP])]))
    step, = views.views[0].steps
    assert type(step) is RandomApply
    assert [type(inner) for inner in step.transforms] == [RandomFlip]


def test_random_apply_probability(photo):
    apply, tile = RandomApply([FLIP], prob=0.8), photo[:4, :4]
    hits = sum(not np.array_equal(apply(dict(img=tile))['img'], tile) for _ in range(1000))
    assert stats.binomtest(hits, 1000, 0.8).pvalue > 1e-3


def test_packed_tensors_hold_the_views_as_they_lie_in_memory(photo):
    patches = np.stack([photo[:12, :12] + i for i in range(9)])
    packed = PackViews()(dict(views=[photo], patches=[patches], img_path='a', other=1))
    assert set(packed) == {'inputs', 'img_path'}
    view, = packed['inputs']['views']
    jigsaw, = packed['inputs']['patches']
    assert view.dtype == jigsaw.dtype == torch.uint8
    np.testing.assert_array_equal(view, photo)
    np.testing.assert_array_equal(jigsaw, patches)
    # The view was writable and contiguous: no copy. The photograph is shared: a copy.
    assert jigsaw.data_ptr() == patches.ctypes.data
    assert view.data_ptr() != photo.ctypes.data


def test_packed_samples_collate(photo):
    pipeline = MultiView(dict(num=2, recipe=[CROP]), dict(num=1, recipe=PATCHES))
    samples = [PackViews(['img_path', 'gt_label'])(
        pipeline(dict(img=photo, img_path=str(i), gt_label=i))) for i in range(4)]
    batch = default_collate(samples)
    assert [view.shape for view in batch['inputs']['views']] == [(4, 32, 32, 3)] * 2
    assert [patches.shape for patches in batch['inputs']['patches']] == [(4, 9, 12, 12, 3)]
    assert batch['img_path'] == list('0123') and batch['gt_label'].tolist() == [0, 1, 2, 3]


def test_missing_meta_key_is_named(photo):
    with pytest.raises(KeyError, match='gt_label'):
        PackViews(['gt_label'])(dict(views=[photo], patches=[]))


@pytest.mark.parametrize('build, message', [
    (lambda: MultiView([]), 'views must have one recipe at least'),
    (lambda: MultiView(dict(num=2)), 'views must be dict'),
    (lambda: MultiView(dict(num=0, recipe=[])), 'views.num must be at least 1'),
    (lambda: MultiView(dict(num=2, recipe=CROP)), 'recipe must be a list'),
    (lambda: MultiView(dict(num=2, recipe=[]), dict(n=1)), 'patches must be dict'),
    (lambda: RandomApply([], 7), r'prob must be in \[0, 1\], got 7'),
    (lambda: PackViews('img_path'), 'meta_keys must be a list'),
])
def test_bad_arguments_are_named(build, message):
    with pytest.raises((TypeError, ValueError), match=message):
        build()


@pytest.fixture
def large_jpeg(tmp_path):
    image = Image.fromarray(load_sample_images().images[0]).resize((2000, 1500))
    image.save(tmp_path / 'large.jpg', quality=92)
    return str(tmp_path / 'large.jpg')


@pytest.mark.parametrize('side, reductions', [(64, {4, 8}), (300, {1, 2})])
def test_a_reduced_image_gives_the_same_views(large_jpeg, side, reductions, monkeypatch):
    used = set()
    decode = EncodedJpeg.decode

    def note(self, *max_reduction):
        img, reduction = decode(self, *max_reduction)
        if max_reduction:
            used.add(reduction)
        return img, reduction

    monkeypatch.setattr(EncodedJpeg, 'decode', note)
    views = MultiView(dict(num=2, recipe=[dict(CROP, size=side), FLIP]))
    for seed in range(25):
        images = []
        for reduce in (False, True):
            np.random.seed(seed)
            load = LoadImage(reduce=reduce)
            images.append(views(load(dict(img_path=large_jpeg)))['views'])
        for whole, reduced in zip(*images, strict=True):
            assert reduced.shape == (side, side, 3)
            error = np.abs(whole.astype(int) - reduced)
            # The same crop of the same picture: shifted by a pixel it would differ more.
            assert error.mean() < 2
            assert error.mean() < np.abs(whole[:, 1:].astype(int) - whole[:, :-1]).mean() / 4
    assert used == reductions


def test_recipes_that_need_the_whole_image_get_it(large_jpeg):
    whole = LoadImage()(dict(img_path=large_jpeg))['img']
    views = [dict(num=1, recipe=[dict(CROP, size=8)]), dict(num=1, recipe=[FLIP])]
    out = MultiView(views)(LoadImage(reduce=True)(dict(img_path=large_jpeg)))
    np.testing.assert_array_equal(out['views'][1], whole[:, ::-1])


def test_foreign_transforms_take_part(photo):

    def shade(results):
        return {**results, 'img': results['img'] // 2, 'seen': results['img_path']}

    apply = dict(type='RandomApply', transforms=[shade], prob=1)
    for recipe in ([shade, FLIP, apply], [apply, FLIP, shade]):
        out = MultiView(dict(num=1, recipe=recipe))(dict(img=photo, img_path='a'))
        np.testing.assert_array_equal(out['views'][0], photo[:, ::-1] // 4)
    with pytest.raises(TypeError, match='function has no draw'):
        RandomApply([shade], prob=1).draw((4, 4))


def test_steps_inside_random_apply_know_the_size_before_them(photo):
    small = dict(type='CenterResizedCrop', size=16, crop_ratio=1)
    crops = RandomApply([dict(CROP, size=16), small], prob=1).draw((160, 200))
    assert crops[1].arguments == ((0, 0, 16, 16), (16, 16))
