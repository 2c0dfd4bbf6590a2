"""The recipes of ``configs/_base_/recipes``: built, run, repeated, changed by a child."""

from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from infomin_plugin.datasets.transforms import MultiView

RECIPES = Path(__file__).parents[3] / 'configs' / '_base_' / 'recipes'
VIEWS = ['instdis_aug', 'mocov2_aug', 'cmc_aug', 'infomin_aug', 'cmcv2_aug']


def build(name):
    jigsaw = Config.fromfile(RECIPES / 'jigsaw.py').jigsaw
    return MultiView(dict(num=2, recipe=Config.fromfile(RECIPES / f'{name}.py')[name]),
                     dict(num=1, recipe=jigsaw))


def names(recipe):
    """List the steps of a recipe; what is applied at random is in a list of its own."""
    return [[inner.type for inner in step.transforms] if step.type == 'RandomApply' else step.type
            for step in recipe]


def test_infomin_recipe_is_the_published_one():
    recipe = Config.fromfile(RECIPES / 'infomin_aug.py').infomin_aug
    assert names(recipe) == ['RandomResizedCrop', 'RandomFlip', ['ColorJitter'], ['GaussianBlur'],
                             'RandAugment', 'RandomGrayscale']
    crop, flip, jitter, blur, augment, grey = recipe
    assert tuple(crop.scale) == (0.2, 1) and crop.ratio == pytest.approx((0.75, 4 / 3))
    assert (flip.prob, jitter.prob, blur.prob, grey.prob) == (0.5, 0.8, 0.5, 0.2)
    assert len(set(augment.ops)) == 15


@pytest.mark.parametrize('name', ['cmc_aug', 'cmcv2_aug'])
def test_two_modality_recipes_end_in_ydbdr_and_keep_colours(name):
    recipe = Config.fromfile(RECIPES / f'{name}.py')[name]
    assert recipe[-1] == dict(type='ColorSpace', space='YDbDr')
    ops = {op for step in recipe if step.type == 'RandAugment' for op in step.ops}
    assert not ops & {'Equalize', 'Invert', 'Posterize', 'Solarize', 'SolarizeAdd', 'Color',
                      'Contrast', 'Brightness'}
    assert 'RandomGrayscale' not in names(recipe)


@pytest.mark.parametrize('name', VIEWS)
def test_recipe_gives_views_and_leaves_the_image_alone(name, photo):
    image = photo.copy()  # writable: nothing but manners protects it
    views, dtype = build(name), np.float32 if name.startswith('cmc') else np.uint8
    for _ in range(12):
        out = views(dict(img=image))
        assert [(view.shape, view.dtype) for view in out['views']] == [((224, 224, 3), dtype)] * 2
        patches, = out['patches']
        assert patches.shape == (9, 64, 64, 3) and patches.dtype == np.uint8
        np.testing.assert_array_equal(image, photo)


@pytest.mark.parametrize('name', VIEWS)
def test_seed_repeats_every_bit(name, photo):

    def draw():
        views = build(name)
        out = [views(dict(img=photo)) for _ in range(4)]
        return [array.tobytes() for sample in out for array in sample['views'] + sample['patches']]

    np.random.seed(3)
    first, other = draw(), draw()
    np.random.seed(3)
    assert draw() == first
    assert all(a != b for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize('shape', [(1, 40, 3), (40, 1, 3), (3, 3, 3)])
def test_tiny_images_survive_every_recipe(shape):
    image = np.random.randint(0, 256, shape, np.uint8)
    for name in VIEWS:
        views = build(name)
        for _ in range(6):
            assert views(dict(img=image))['views'][0].shape == (224, 224, 3)


def test_child_config_changes_sizes(tmp_path):
    (tmp_path / 'child.py').write_text(f'''
_base_ = ['{RECIPES}/infomin_aug.py', '{RECIPES}/jigsaw.py']
_base_.infomin_aug[0].update(size=64, scale=(0.3, 1.0))
_base_.jigsaw[0].update(size=96)
_base_.jigsaw[-1].update(cell=32, patch=24)
views = dict(type='MultiView', views=dict(num=2, recipe=_base_.infomin_aug),
             patches=dict(num=1, recipe=_base_.jigsaw))
''')
    cfg = Config.fromfile(tmp_path / 'child.py')
    assert cfg.infomin_aug[0].size == cfg.views.views.recipe[0].size == 64
    assert cfg.infomin_aug[0].ratio == pytest.approx((0.75, 4 / 3))
    cfg.views.pop('type')
    out = MultiView(**cfg.views)(dict(img=np.zeros((80, 80, 3), np.uint8)))
    assert out['views'][1].shape == (64, 64, 3) and out['patches'][0].shape == (9, 24, 24, 3)
