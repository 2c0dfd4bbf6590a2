import subprocess
import sys
from importlib import metadata

import pytest

from infomin_plugin import environment

INSTALLED = {package: metadata.version(package) for package in environment.REQUIRED}


def pretend(monkeypatch, **versions):
    """Let packages appear in other versions, or not at all (None)."""
    versions = INSTALLED | {name.replace('_', '-'): value for name, value in versions.items()}

    def version(package):
        if versions.get(package) is None:
            raise metadata.PackageNotFoundError(package)
        return versions[package]

    monkeypatch.setattr(environment, 'version', version)


def test_the_environment_of_the_tests_fits():
    assert environment.problems() == []


@pytest.mark.parametrize('package, found, words', [
    ('torch', '2.1.0', 'torch 2.1.0 is installed, torch>=2.0,<2.1 is needed'),
    ('mmcv', '2.1.0', 'mmcv 2.1.0 is installed, mmcv>=2.0.1,<2.1 is needed'),
    ('mmselfsup', '0.7.1', 'mmselfsup 0.7.1 is installed, mmselfsup==1.0.0 is needed'),
    ('numpy', '2.0.0', 'numpy 2.0.0 is installed, numpy>=1.24,<2 is needed'),
    ('mmdet', None, 'mmdet is not installed, mmdet>=3.3,<3.4 is needed'),
])
def test_names_the_wrong_package_what_is_there_and_what_is_needed(
        monkeypatch, package, found, words):
    pretend(monkeypatch, **{package: found})
    with pytest.raises(RuntimeError, match=words):
        environment.check_environment()


def test_a_local_version_is_the_version(monkeypatch):
    pretend(monkeypatch, torch='2.0.1+cu118', torchvision='0.15.2+cu118')
    assert environment.problems() == []


def test_mmpretrain_must_not_be_there(monkeypatch):
    pretend(monkeypatch, mmpretrain='1.2.0')
    with pytest.raises(RuntimeError, match='mmpretrain 1.2.0 is installed and must not be'):
        environment.check_environment()


def test_mmcv_without_its_ops(monkeypatch):
    monkeypatch.setattr(environment, 'find_spec', lambda name: None)
    assert any('without its compiled ops' in problem for problem in environment.problems())


def test_every_problem_is_named_at_once(monkeypatch):
    pretend(monkeypatch, torch='2.1.0', mmcv='2.1.0', numpy='2.0.0')
    assert len(environment.problems()) == 3


def test_importing_the_package_costs_nothing():
    code = ('import sys, infomin_plugin, infomin_plugin.environment; '
            'print(sorted({"torch", "mmengine", "mmcv", "cv2"} & set(sys.modules)))')
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True,
                          check=True).stdout.strip() == '[]'
