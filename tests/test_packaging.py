"""A wheel, installed elsewhere, brings configs and tools the way OpenMMLab packages do."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope='module')
def installed(tmp_path_factory):
    """The folder that a wheel of this checkout was installed into."""
    folder = tmp_path_factory.mktemp('wheel')
    # built from a copy: setuptools leaves a build folder behind
    source = folder / 'source'
    for name in ('infomin_plugin', 'configs', 'tools', 'requirements'):
        shutil.copytree(ROOT / name, source / name,
                        ignore=shutil.ignore_patterns('__pycache__', '.mim'))
    for name in ('setup.py', 'pyproject.toml', 'README.md', 'model-index.yml'):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, '-m', 'pip', '--disable-pip-version-check', '--quiet']
    subprocess.run([*pip, 'wheel', '--no-deps', '--no-build-isolation', '--wheel-dir',
                    str(folder), str(source)], check=True)
    subprocess.run([*pip, 'install', '--no-deps', '--target', str(folder / 'site'),
                    str(next(folder.glob('*.whl')))], check=True)
    return folder / 'site'


def run(installed, code):
    result = subprocess.run([sys.executable, '-c', code], cwd=installed.parent, text=True,
                            capture_output=True, env=os.environ | {'PYTHONPATH': str(installed)})
    assert result.returncode == 0, result.stderr
    return result.stdout.strip().splitlines()[-1]


def test_mmengine_finds_it(installed):
    code = ('from mmengine.utils import get_installed_path; '
            'print(get_installed_path("infomin_plugin"))')
    assert run(installed, code) == str(installed / 'infomin_plugin')


def test_it_brings_every_config_and_tool(installed):
    mim = installed / 'infomin_plugin' / '.mim'
    for name in ('configs', 'tools'):
        ours = {p.relative_to(ROOT) for p in (ROOT / name).rglob('*')
                if p.is_file() and '__pycache__' not in p.parts}
        assert {p.relative_to(mim) for p in (mim / name).rglob('*') if p.is_file()
                and '__pycache__' not in p.parts} == ours
    assert (mim / 'model-index.yml').read_text() == (ROOT / 'model-index.yml').read_text()


def test_its_configs_build(installed):
    config = ('infomin_plugin/.mim/configs/pretrain/infomin/'
              'infomin_resnet50_8xb32-coslr-200e_in1k.py')
    code = ('from mmengine.config import Config; from mmengine.registry import MODELS; '
            f'cfg = Config.fromfile({str(installed / config)!r}); '
            "cfg.model.update(type='infomin_plugin.InfoMin', _scope_='infomin_plugin'); "
            'model = MODELS.build(cfg.model); '
            'import sys; print(sys.modules["infomin_plugin"].__file__)')
    assert run(installed, code) == str(installed / 'infomin_plugin' / '__init__.py')
