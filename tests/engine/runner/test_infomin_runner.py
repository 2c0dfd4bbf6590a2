"""The runner resolves and checks a config before it builds, and files before it loads them."""

import pickle

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import RUNNERS, DefaultScope
from torch import nn

from infomin_plugin.checkpoints import CheckpointError
from infomin_plugin.engine import InfoMinRunner
from infomin_plugin.engine.runner import infomin_runner


@pytest.fixture(autouse=True)
def _scope():
    with DefaultScope.overwrite_default_scope('infomin_plugin'):
        yield


def config(tmp_path, **changes):
    return Config(dict(
        runner_type='infomin_plugin.InfoMinRunner', default_scope='infomin_plugin',
        experiment_name=str(tmp_path), work_dir=str(tmp_path), log_level='ERROR',
        model=dict(
            type='InfoMin',
            backbone=dict(
                type='mmselfsup.ResNet', depth=18, stem_channels=4, base_channels=4,
                out_indices=(4, )),
            neck=dict(type='mmselfsup.LinearNeck', in_channels=32, out_channels=4),
            head=dict(type='ContrastiveHead', temperature=0.1),
            memory=dict(type='KeyQueue', length=8, channels=4))) | changes)


def test_mmengines_registry_builds_it_by_its_name(tmp_path):
    built = RUNNERS.build(config(tmp_path))
    assert type(built) is InfoMinRunner


def test_a_wrong_environment_ends_before_anything_is_built(tmp_path, monkeypatch):
    def wrong():
        raise RuntimeError('mmcv 9 is installed')

    monkeypatch.setattr(infomin_runner, 'check_environment', wrong)
    with pytest.raises(RuntimeError, match='mmcv 9'):
        RUNNERS.build(config(tmp_path, model=dict(type='NoSuchModel')))


def test_the_given_config_is_not_changed(tmp_path):
    cfg = config(tmp_path)
    before = cfg.pretty_text
    RUNNERS.build(cfg)
    assert cfg.pretty_text == before


class Attack:
    def __reduce__(self):
        return exec, ('import sys; sys.attacked = True', )


@pytest.mark.parametrize('resume', [False, True])
def test_a_hostile_checkpoint_is_refused_and_not_executed(tmp_path, resume):
    import sys
    path = tmp_path / 'hostile.pth'
    torch.save(dict(state_dict={}, meta=Attack()), path)
    built = RUNNERS.build(config(tmp_path, resume=resume))
    with pytest.raises(CheckpointError, match='hostile.pth'):
        built.load_checkpoint(str(path))
    assert not hasattr(sys, 'attacked')
    pickle.loads(pickle.dumps(Attack()))  # which weights_only would not do
    assert sys.attacked  # so the file does attack who unpickles it plainly
    del sys.attacked


def test_resuming_checks_the_tensors_first(tmp_path):
    path = tmp_path / 'other.pth'
    torch.save(dict(state_dict=nn.Linear(1, 1).state_dict(), meta={}), path)
    with pytest.raises(ValueError, match='cannot resume: the checkpoint is of another model'):
        RUNNERS.build(config(tmp_path, resume=True)).load_checkpoint(str(path))
