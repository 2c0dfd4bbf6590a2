"""Pictures of samples, and of what each operation did."""

from pathlib import Path

import numpy as np
import pytest
from mmcv.transforms import BaseTransform
from mmengine.config import Config
from PIL import Image, ImageEnhance
from sklearn.datasets import load_sample_images

from infomin_plugin.datasets.transforms import ImageError, build_recipe
from infomin_plugin.datasets.transforms.changes import Change
from infomin_plugin.visualization import views
from infomin_plugin.visualization.views import describe, draw_steps, draw_views, to_picture

RECIPES = Path(__file__).parents[2] / 'configs' / '_base_' / 'recipes'
CROP = dict(type='RandomResizedCrop', size=50, scale=(0.1, 0.2))
FILL = (124, 116, 104)


@pytest.fixture
def path(tmp_path):
    """A photograph, 300 x 200."""
    Image.fromarray(load_sample_images().images[0]).resize((300, 200)).save(tmp_path / 'a.png')
    return str(tmp_path / 'a.png')


@pytest.fixture
def rows(monkeypatch):
    """Have the panels returned instead of the picture."""
    monkeypatch.setattr(views, 'draw_grid', lambda rows, height: rows)


def pipeline(*recipe, num=1, patches=None, load=None):
    return build_recipe([
        load or dict(type='LoadImage'),
        dict(type='MultiView', views=dict(num=num, recipe=list(recipe)), patches=patches),
        dict(type='PackViews')])


def full_pipeline(name='infomin_aug'):
    recipe = Config.fromfile(RECIPES / f'{name}.py')[name]
    jigsaw = Config.fromfile(RECIPES / 'jigsaw.py').jigsaw
    return pipeline(*recipe, num=2, patches=dict(num=1, recipe=jigsaw))


def test_view_is_shown_as_it_is():
    view = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    np.testing.assert_array_equal(to_picture(view), view)


def test_patches_are_laid_out_in_rows():
    patches = np.arange(9, dtype=np.uint8)[:, None, None, None].repeat(32, 1).repeat(32, 2)
    picture = to_picture(patches.repeat(3, 3))
    assert picture.shape == (100, 100, 3)  # 3 x 32 px, two gaps of 2 px
    assert picture[16::34, 16::34, 0].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert (picture[32:34] == 255).all()


def test_float_views_are_stretched():
    view = np.array([-1., 0., 1., 3.]).reshape(2, 2, 1).repeat(3, 2)
    assert to_picture(view)[..., 0].tolist() == [[0, 64], [128, 255]]


@pytest.mark.parametrize(('change', 'lines'), [
    (Change('flip'), ('flip', '')),
    (Change('hue', (-0.1304, )), ('hue', 'shift=-0.13')),
    (Change('posterize', (3, )), ('posterize', 'bits=3')),
    (Change('gaussian_blur', (1.2345, 23)), ('gaussian_blur', 'sigma=1.23')),
    (Change('rotate', (-12.5, True, FILL)), ('rotate', 'degrees=-12.5, cubic')),
    (Change('rotate', (12.5, False, FILL)), ('rotate', 'degrees=12.5')),
    (Change('color_space', ('YIQ', )), ('color_space', 'space=YIQ')),
    (Change('crop', ((1, 2, 30, 40), (50, 60))), ('crop', '40×30 to 60×50')),
])
def test_a_change_is_described_by_its_strength(change, lines):
    assert describe(change) == lines


def test_a_row_is_the_original_and_new_samples(path, rows):
    patches = dict(num=1, recipe=[dict(type='RandomResizedCrop', size=48),
                                  dict(type='JigsawPatches', cell=16, patch=14)])
    grid = draw_views(pipeline(CROP, num=2, patches=patches), [path, path], draws=3)
    assert [' '.join(panel.caption) for panel in grid[0]] == [
        ' original', 'sample 1 view 1', ' view 2', ' patches', 'sample 2 view 1', ' view 2',
        ' patches', 'sample 3 view 1', ' view 2', ' patches']
    assert [i for i, panel in enumerate(grid[0]) if panel.block] == [1, 4, 7]
    np.testing.assert_array_equal(grid[1][0].image, np.asarray(Image.open(path)))
    drawn = [panel.image.tobytes() for row in grid for panel in row[1:]]
    assert len(set(drawn)) == len(drawn) == 18


def test_an_undecoded_file_is_shown_in_full(path, tmp_path, rows):
    Image.open(path).save(tmp_path / 'a.jpg')
    undecoded = pipeline(dict(type='RandomResizedCrop', size=20, scale=(0.9, 1)),
                         load=dict(type='LoadImage', reduce=True))
    for draw in (draw_views, draw_steps):
        original = draw(undecoded, [str(tmp_path / 'a.jpg')])[0][0].image
        np.testing.assert_array_equal(original, np.asarray(Image.open(tmp_path / 'a.jpg')))


def test_the_picture_has_a_row_an_image(path):
    picture = draw_views(pipeline(CROP), [path, path], draws=2, height=50)
    one = draw_views(pipeline(CROP), [path], draws=2, height=50)
    assert picture.shape == (one.shape[0] + 54, one.shape[1], 3)


def test_every_change_is_shown_in_order(path, rows):
    steps = [CROP, dict(type='RandomFlip', prob=1),
             dict(type='RandomApply', prob=1,
                  transforms=[dict(type='ColorJitter', brightness=(1.5, 1.5))]),
             dict(type='RandomGrayscale', prob=1)]
    (row, ) = draw_steps(pipeline(*steps), [path])
    assert [panel.caption[0] for panel in row] == ['a.png', 'crop', 'flip', 'brightness', 'grey']
    assert row[0].caption[1] == 'view' and row[3].caption[1] == 'factor=1.5'
    original, crop, flip, brightness, grey = (panel.image for panel in row)
    np.testing.assert_array_equal(original, np.asarray(Image.open(path)))
    np.testing.assert_array_equal(flip, crop[:, ::-1])
    bright = ImageEnhance.Brightness(Image.fromarray(flip)).enhance(1.5)
    assert np.abs(brightness - np.asarray(bright, int)).max() <= 1
    luminance = np.asarray(Image.fromarray(brightness).convert('L'), int)[..., None]
    assert np.abs(grey - luminance).max() <= 1


def test_the_box_is_where_the_crop_comes_from(path, rows):
    for row in draw_steps(pipeline(CROP, num=10), [path]):
        top, left, height, width = row[0].box
        cut = Image.open(path).crop((left, top, left + width, top + height))
        expected = np.asarray(cut.resize((50, 50), Image.Resampling.BILINEAR), int)
        assert np.abs(row[1].image - expected).max() <= 1
        assert row[1].caption == ('crop', f'{width}×{height} to 50×50')
        assert row[1].box is None


def test_a_later_crop_is_outlined_in_the_image_that_it_crops(path, rows):
    flip = dict(type='RandomFlip', prob=1)
    (row, ) = draw_steps(pipeline(flip, CROP), [path])
    assert [panel.box is not None for panel in row] == [False, True, False]


def test_what_did_not_fire_is_left_out(path, rows):
    steps = [CROP, dict(type='RandomFlip', prob=0), dict(type='RandomGrayscale', prob=0),
             dict(type='RandAugment', ops=['Invert'], prob=0),
             dict(type='RandomApply', prob=0, transforms=[dict(type='GaussianBlur')])]
    (row, ) = draw_steps(pipeline(*steps), [path])
    assert [panel.caption[0] for panel in row] == ['a.png', 'crop']


@pytest.mark.parametrize('name', ['infomin_aug', 'mocov2_aug', 'cmcv2_aug'])
def test_steps_end_in_the_samples_of_the_same_seed(name, path, rows):
    for seed in range(5):
        np.random.seed(seed)
        (samples, ) = draw_views(full_pipeline(name), [path], draws=2)
        np.random.seed(seed)
        traces = draw_steps(full_pipeline(name), [path], draws=2)
        assert [row[0].caption for row in traces] == [
            (f'a.png, sample {i}', title) for i in (1, 2)
            for title in ('view 1', 'view 2', 'patches')]
        for sample, row in zip(samples[1:], traces, strict=True):
            np.testing.assert_array_equal(row[-1].image, sample.image)


class Darken(BaseTransform):
    """A transform that is not one of ours."""

    def __init__(self, divisor=2):
        self.divisor = divisor

    def transform(self, results):
        results['img'] = results['img'] // self.divisor
        return results


def test_foreign_transforms_are_one_change_with_their_name(path, rows):
    steps = [Darken(), CROP, Darken(1), dict(type='RandomApply', prob=1, transforms=[Darken(3)]),
             dict(type='RandomApply', prob=0, transforms=[Darken()])]
    (row, ) = draw_steps(pipeline(*steps), [path])
    assert [panel.caption[0] for panel in row] == ['a.png', 'Darken', 'crop', 'RandomApply']
    np.testing.assert_array_equal(row[1].image, row[0].image // 2)
    np.testing.assert_array_equal(row[3].image, row[2].image // 3)


def test_colour_spaces_are_drawn(path):
    picture = draw_steps(pipeline(CROP, dict(type='ColorSpace', space='YDbDr')), [path], height=50)
    assert picture.dtype == np.uint8 and picture.shape[0] > 50


@pytest.mark.parametrize('draw', [draw_views, draw_steps])
def test_bad_input_is_named(draw, path, tmp_path):
    (tmp_path / 'b.jpg').write_bytes(b'no image')
    with pytest.raises(ImageError, match='b.jpg'):
        draw(pipeline(CROP), [str(tmp_path / 'b.jpg')])
    with pytest.raises(ValueError, match='draws must be at least 1, got 0'):
        draw(pipeline(CROP), [path], draws=0)
    missing = {draw_views: 'must end in PackViews', draw_steps: 'must have a MultiView'}[draw]
    with pytest.raises(ValueError, match=missing):
        draw(build_recipe([dict(type='LoadImage')]), [path])


def test_samples_of_a_data_set_without_files():
    img = np.random.default_rng(0).integers(256, size=(60, 60, 3), dtype=np.uint8)
    sample = dict(img=img, gt_label=3, sample_idx=0)
    steps = [*build_recipe([dict(type='MultiView', views=dict(num=1, recipe=[CROP])),
                            dict(type='PackViews', meta_keys=('gt_label', 'sample_idx'))])]
    picture = draw_views(steps, [sample], draws=1, height=60)
    assert any((picture[y:y + 60, x:x + 60] == img).all()
               for y in range(picture.shape[0] - 59) for x in range(picture.shape[1] - 59))
    assert draw_steps(steps, [sample], height=60).ndim == 3


def test_a_sample_that_is_made_of_views():
    frames = np.random.default_rng(0).integers(256, size=(5, 16, 16, 3), dtype=np.uint8)
    row = to_picture(frames)
    assert row.shape == (16, 5 * 17 - 1, 3)
    assert all((row[:, 17 * i:17 * i + 16] == frame).all() for i, frame in enumerate(frames))
    sample = dict(views=[frames, frames[0]], patches=[], sample_idx=0)
    steps = build_recipe([dict(type='PackViews', meta_keys=())])
    assert draw_views(steps, [sample], draws=1).ndim == 3
