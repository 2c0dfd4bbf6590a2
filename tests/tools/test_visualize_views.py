"""The command line that draws views."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from sklearn.datasets import load_sample_images
from tool_modules import load_tool

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


@pytest.fixture
def run(capsys):
    """The tool in this process: what it printed to stderr, and whether it failed."""
    tool = load_tool(TOOL)

    def run(*arguments):
        try:
            tool.main([str(argument) for argument in arguments])
        except SystemExit as error:  # with words for stderr, or with a number
            return f'{capsys.readouterr().err}{error.code}', True
        return capsys.readouterr().err, False

    return run


def test_it_draws_a_folder_and_repeats_itself(folder, tmp_path, run):
    arguments = [tmp_path / 'config.py', '--num', 2, '--draws', 3, '--height', 60,
                 '--cfg-options', f'data_root={folder}', '--out']
    done = subprocess.run(
        [sys.executable, TOOL, *map(str, arguments), tmp_path / 'one.png'], cwd=ROOT,
        capture_output=True, text=True, env={**os.environ, 'PYTHONPATH': str(ROOT)})
    assert done.returncode == 0, done.stderr
    assert not run(*arguments, tmp_path / 'two.png')[1]
    width, height = Image.open(tmp_path / 'one.png').size
    assert 90 + 9 * 60 < width < 90 + 9 * 60 + 150  # an original, three times three images, gaps
    assert 2 * 60 < height < 2 * 60 + 50
    assert (tmp_path / 'one.png').read_bytes() == (tmp_path / 'two.png').read_bytes()


def test_it_draws_the_steps_of_given_files(folder, tmp_path, run):
    _, failed = run(tmp_path / 'config.py', folder / 'a.jpg', '--steps', '--height', 60,
                    '--out', tmp_path / 'out.jpg')
    assert not failed
    assert Image.open(tmp_path / 'out.jpg').height > 3 * 60  # two views and the patches


def test_the_recipe_is_shown_in_full_where_the_device_does_a_part(folder, tmp_path, run):
    for photometry in ('worker', 'device'):
        said, failed = run(tmp_path / 'config.py', folder / 'a.jpg', '--steps', '--out',
                           tmp_path / f'{photometry}.png', '--cfg-options',
                           f'photometry={photometry}')
        assert not failed and 'note' not in said
    assert (tmp_path / 'worker.png').read_bytes() == (tmp_path / 'device.png').read_bytes()


def test_it_says_what_it_does_not_show_of_a_run_s_own_config(folder, tmp_path, run):
    with (tmp_path / 'config.py').open('a') as file:
        file.write("model = dict(data_preprocessor=dict(recipes=dict(views=[_base_.infomin_aug])))")
    said, failed = run(tmp_path / 'config.py', folder / 'a.jpg', '--out', tmp_path / 'out.png')
    assert not failed and 'recipes, which is not shown' in said


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
def test_bad_input_is_named(arguments, message, folder, tmp_path, run):
    arguments = [folder / name if str(name).endswith('.jpg') else name for name in arguments]
    said, failed = run(tmp_path / 'config.py', '--out', tmp_path / 'out.png', *arguments)
    assert failed and message in said


def test_configs_without_views_are_named(folder, tmp_path, run):
    config = tmp_path / 'other.py'
    assert 'other.py' in run(config)[0]
    config.write_text('train_dataloader = dict()')
    assert 'has no train_dataloader.dataset.pipeline' in run(config)[0]
    config.write_text("train_dataloader = dict(dataset=dict(pipeline=[dict(type='LoadImage')]))")
    assert 'must have a MultiView' in run(config, '--steps', folder / 'a.jpg')[0]
    assert 'must end in PackViews' in run(config, folder / 'a.jpg')[0]
