"""Views and patches of a sample, and how they are packed."""

import numpy as np
import pytest
import torch
from mmengine.dataset import default_collate
from mmengine.registry import DefaultScope
from scipy import stats

from infomin_plugin.datasets.transforms import MultiView, PackViews, RandomApply, RandomFlip

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
    assert [type(inner) for inner in step] == [RandomFlip]


def test_random_apply_probability(photo):
    apply, tile = RandomApply([FLIP], prob=0.8), photo[:4, :4]
    hits = sum(not np.array_equal(apply(dict(img=tile))['img'], tile) for _ in range(1000))
    assert stats.binomtest(hits, 1000, 0.8).pvalue > 1e-3


def test_packed_tensors_hold_the_views_channels_first(photo):
    patches = np.stack([photo[:12, :12] + i for i in range(9)])
    packed = PackViews()(dict(views=[photo], patches=[patches], img_path='a', other=1))
    assert set(packed) == {'inputs', 'img_path'}
    view, = packed['inputs']['views']
    jigsaw, = packed['inputs']['patches']
    assert view.dtype == jigsaw.dtype == torch.uint8
    assert view.is_contiguous() and jigsaw.shape == (9, 3, 12, 12)
    assert view[1, 5, 7] == photo[5, 7, 1]
    assert jigsaw[4, 2, 3, 6] == patches[4, 3, 6, 2]


def test_packed_samples_collate(photo):
    pipeline = MultiView(dict(num=2, recipe=[CROP]), dict(num=1, recipe=PATCHES))
    samples = [PackViews(['img_path', 'gt_label'])(
        pipeline(dict(img=photo, img_path=str(i), gt_label=i))) for i in range(4)]
    batch = default_collate(samples)
    assert [view.shape for view in batch['inputs']['views']] == [(4, 3, 32, 32)] * 2
    assert [patches.shape for patches in batch['inputs']['patches']] == [(4, 9, 3, 12, 12)]
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
