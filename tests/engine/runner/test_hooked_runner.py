"""Hooks of every run: there without being asked for, changed or left out by a config."""

import pytest
from mmengine.config import Config
from mmengine.hooks import CheckpointHook
from torch import nn

from infomin_plugin.engine import (
    DurableCheckpointHook,
    InfoMinRunner,
    OptimizerStepHook,
    PreemptionHook,
    ResumeGuardHook,
)


def hooks_of(tmp_path, **settings):
    runner = InfoMinRunner(
        nn.Linear(1, 1), str(tmp_path), cfg=Config(settings),
        default_hooks=settings.get('default_hooks'), custom_hooks=settings.get('custom_hooks'),
        default_scope='infomin_plugin', experiment_name=f'hooks_{tmp_path.name}')
    return {type(hook): hook for hook in runner.hooks}, runner.hooks


def test_a_config_that_says_nothing_has_them_all(tmp_path):
    by_type, hooks = hooks_of(tmp_path)
    assert {OptimizerStepHook, ResumeGuardHook, PreemptionHook,
            DurableCheckpointHook} <= set(by_type)
    assert len(hooks) == len(by_type)


def test_settings_and_leaving_out(tmp_path):
    by_type, _ = hooks_of(
        tmp_path, run_hooks=dict(preemption=dict(interval=7), resume_guard=None),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=3)))
    assert by_type[PreemptionHook].interval == 7 and ResumeGuardHook not in by_type
    assert by_type[DurableCheckpointHook].interval == 3 and CheckpointHook not in by_type


def test_one_that_is_listed_is_not_there_twice(tmp_path):
    by_type, hooks = hooks_of(tmp_path, custom_hooks=[dict(type='PreemptionHook', interval=5)])
    assert by_type[PreemptionHook].interval == 5 and len(hooks) == len(by_type)


def test_an_unknown_name_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r'run_hooks has no premption, only .*preemption'):
        hooks_of(tmp_path, run_hooks=dict(premption=None))
