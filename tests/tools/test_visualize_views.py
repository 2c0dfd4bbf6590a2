"""The command line that draws views."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

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
        dict(type='LoadImage', reduce=True),
        dict(type='MultiView', views=dict(num=2, recipe=_base_.infomin_aug),
             patches=dict(num=1, recipe=_base_.jigsaw)),
        dict(type='PackViews'),
    ]))
'''


@pytest.fixture
def folder(tmp_path):
    """A folder with two photographs, and a config beside it."""
    (tmp_path / 'config.py').write_text(CONFIG)
    (tmp_path / 'photos').mkdir()
    for name, image in zip('ab', load_sample_images().images, strict=True):
        Image.fromarray(image).resize((300, 200)).save(tmp_path / 'photos' / f'{name}.jpg')
    return tmp_path / 'photos'


def run(*arguments):
    return subprocess.run([sys.executable, TOOL, *map(str, arguments)], capture_output=True,
                          text=True, cwd=ROOT, env={**os.environ, 'PYTHONPATH': str(ROOT)})


def test_it_draws_a_folder_and_repeats_itself(folder, tmp_path):
    for name in ('one.png', 'two.png'):
        done = run(tmp_path / 'config.py', '--out', tmp_path / name, '--num', 2, '--draws', 3,
                   '--height', 60, '--cfg-options', f'data_root={folder}')
        assert done.returncode == 0, done.stderr
    width, height = Image.open(tmp_path / 'one.png').size
    assert 90 + 9 * 60 < width < 90 + 9 * 60 + 150  # an original, three times three images, gaps
    assert 2 * 60 < height < 2 * 60 + 50
    assert (tmp_path / 'one.png').read_bytes() == (tmp_path / 'two.png').read_bytes()


def test_it_draws_the_steps_of_given_files(folder, tmp_path):
    done = run(tmp_path / 'config.py', folder / 'a.jpg', '--steps', '--height', 60,
               '--out', tmp_path / 'out.jpg')
    assert done.returncode == 0, done.stderr
    assert Image.open(tmp_path / 'out.jpg').height > 3 * 60  # two views and the patches


def test_the_recipe_is_shown_in_full_where_the_device_does_a_part(folder, tmp_path):
    for photometry in ('worker', 'device'):
        done = run(tmp_path / 'config.py', folder / 'a.jpg', '--steps', '--out',
                   tmp_path / f'{photometry}.png', '--cfg-options', f'photometry={photometry}')
        assert done.returncode == 0, done.stderr
        assert 'note' not in done.stderr
    assert (tmp_path / 'worker.png').read_bytes() == (tmp_path / 'device.png').read_bytes()


def test_it_says_what_it_does_not_show_of_a_run_s_own_config(folder, tmp_path):
    with (tmp_path / 'config.py').open('a') as file:
        file.write("model = dict(data_preprocessor=dict(recipes=dict(views=[_base_.infomin_aug])))")
    done = run(tmp_path / 'config.py', folder / 'a.jpg', '--out', tmp_path / 'out.png')
    assert done.returncode == 0 and 'recipes, which is not shown' in done.stderr


@pytest.mark.parametrize(('arguments', 'message'), [
    (['no.jpg'], 'no.jpg'),
    (['--draws', 0], '--draws must be at least 1, got 0'),
    (['--num', 0], '--num must be at least 1, got 0'),
    (['--height', 5], '--height must be from 16 to 1024, got 5'),
    (['--seed', -1], '--seed must be from 0 to 4294967295, got -1'),
    (['--out', 'views.xyz'], 'views.xyz has no ending of an image file'),
    (['--out', '/proc/views.png', 'a.jpg'], '/proc/views.png'),
    (['--cfg-options', 'data_root=/no/folder'], '/no/folder'),
])
def test_bad_input_is_named(arguments, message, folder, tmp_path):
    arguments = [folder / name if str(name).endswith('.jpg') else name for name in arguments]
    done = run(tmp_path / 'config.py', '--out', tmp_path / 'out.png', *arguments)
    assert done.returncode != 0
    assert message in done.stderr and 'Traceback' not in done.stderr


def test_configs_without_views_are_named(folder, tmp_path):
    config = tmp_path / 'other.py'
    done = run(config)
    assert 'other.py' in done.stderr and 'Traceback' not in done.stderr
    config.write_text('train_dataloader = dict()')
    assert 'has no train_dataloader.dataset.pipeline' in run(config).stderr
    config.write_text("train_dataloader = dict(dataset=dict(pipeline=[dict(type='LoadImage')]))")
    assert 'must have a MultiView' in run(config, '--steps', folder / 'a.jpg').stderr
    assert 'must end in PackViews' in run(config, folder / 'a.jpg').stderr
