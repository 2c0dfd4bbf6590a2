"""Pictures of views, and the command line that writes them."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_images

from infomin_plugin.datasets.transforms import build_recipe
from infomin_plugin.visualization.views import draw_grid, draw_views, to_picture

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'visualize_views.py'

CONFIG = f'''
_base_ = ['{ROOT}/configs/_base_/recipes/infomin_aug.py',
          '{ROOT}/configs/_base_/recipes/jigsaw.py']
default_scope = 'infomin_plugin'
data_root = 'nowhere'
train_dataloader = dict(dataset=dict(
    type='ImageFolder', data_root=data_root,
    pipeline=[
        dict(type='LoadImage'),
        dict(type='MultiView', views=dict(num=2, recipe=_base_.infomin_aug),
             patches=dict(num=1, recipe=_base_.jigsaw)),
        dict(type='PackViews'),
    ]))
'''


@pytest.fixture
def folder(tmp_path):
    """A folder with two photographs."""
    (tmp_path / 'photos').mkdir()
    for name, image in zip('ab', load_sample_images().images, strict=True):
        Image.fromarray(image).resize((300, 200)).save(tmp_path / 'photos' / f'{name}.jpg')
    return tmp_path / 'photos'


def test_view_is_shown_as_it_is():
    view = torch.arange(48, dtype=torch.uint8).reshape(3, 4, 4)
    np.testing.assert_array_equal(to_picture(view), view.permute(1, 2, 0).numpy())


def test_patches_are_laid_out_in_rows():
    patches = torch.arange(9, dtype=torch.uint8)[:, None, None, None].expand(9, 3, 32, 32)
    picture = to_picture(patches)
    assert picture.shape == (100, 100, 3)  # 3 x 32 px, two gaps of 2 px
    assert picture[16::34, 16::34, 0].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert (picture[32:34] == 255).all()


def test_float_views_are_stretched():
    view = torch.tensor([-1., 0., 1., 3.]).reshape(1, 2, 2).repeat(3, 1, 1)
    assert to_picture(view)[..., 0].tolist() == [[0, 64], [128, 255]]


def test_grid_scales_rows_to_one_height():
    red, wide = np.zeros((10, 10, 3), np.uint8), np.zeros((20, 60, 3), np.uint8)
    red[..., 0] = wide[..., 1] = 200
    grid = draw_grid([[red, wide], [red, red]], ['one', 'two'], height=40)
    assert grid.shape == (20 + 2 * 44, 40 + 120 + 2 * 4, 3)
    assert (grid[20:60, :40] == (200, 0, 0)).all()
    assert (grid[20:60, 44:164] == (0, 200, 0)).all()
    assert (grid[64:104, 44:84] == (200, 0, 0)).all()


def test_rows_show_the_original_and_new_draws(folder):
    pipeline = build_recipe([
        dict(type='LoadImage'),
        dict(type='MultiView', views=dict(num=1, recipe=[
            dict(type='RandomResizedCrop', size=50, scale=(0.1, 0.2))])),
        dict(type='PackViews')])
    picture = draw_views(pipeline, [str(folder / 'a.jpg')], draws=2, height=50)
    first, second = picture[20:70], picture[74:124]
    np.testing.assert_array_equal(first[:, :75], second[:, :75])
    assert not np.array_equal(first[:, 79:129], second[:, 79:129])


def test_pipeline_must_pack(folder):
    with pytest.raises(ValueError, match='must end in PackViews'):
        draw_views(build_recipe([dict(type='LoadImage')]), [str(folder / 'a.jpg')])


def run(*arguments):
    return subprocess.run([sys.executable, TOOL, *map(str, arguments)], capture_output=True,
                          text=True, cwd=ROOT, env={**os.environ, 'PYTHONPATH': str(ROOT)})


def test_tool_draws_a_folder_and_repeats_itself(folder, tmp_path):
    (tmp_path / 'config.py').write_text(CONFIG)
    for name in ('one.png', 'two.png'):
        done = run(tmp_path / 'config.py', '--out', tmp_path / name, '--num', 2, '--draws', 3,
                   '--height', 60, '--cfg-options', f'data_root={folder}')
        assert done.returncode == 0, done.stderr
    picture = Image.open(tmp_path / 'one.png')
    assert picture.size == (90 + 60 + 60 + 60 + 4 * 4, 20 + 6 * 64)
    assert (tmp_path / 'one.png').read_bytes() == (tmp_path / 'two.png').read_bytes()


def test_tool_draws_given_files_and_names_bad_ones(folder, tmp_path):
    (tmp_path / 'config.py').write_text(CONFIG)
    done = run(tmp_path / 'config.py', folder / 'a.jpg', '--out', tmp_path / 'out.jpg')
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'out.jpg').exists()
    done = run(tmp_path / 'config.py', tmp_path / 'no.jpg', '--out', tmp_path / 'out.png')
    assert done.returncode != 0 and 'no.jpg' in done.stderr and 'Traceback' not in done.stderr
