"""The log that does not wait for the device is MMEngine's own log."""

import json

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import DefaultScope
from torch import nn

from infomin_plugin.checkpoints import read_file
from infomin_plugin.engine import DeferredLogHook, InfoMinRunner
from infomin_plugin.registry import MODELS


@MODELS.register_module(force=True)
class Falling(BaseModel):
    """A loss, an accuracy in half precision, a number, and now and then one more value."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(1, 2, 3))
        self.steps = 0

    def train_step(self, data, optim_wrapper):
        self.steps += 1
        loss = self.weight.square().sum()
        optim_wrapper.update_params(loss)
        rare = dict(rare=torch.tensor(self.steps)) if self.steps % 3 == 0 else {}
        return dict(loss=loss, acc=loss.detach().bfloat16(), number=self.steps / 7) | rare

    def forward(self, *args, **kwargs):
        raise NotImplementedError


@pytest.fixture(autouse=True)
def _scope():
    with DefaultScope.overwrite_default_scope('infomin_plugin'):
        yield


def train(tmp_path, runtime_info=None, spy=None):
    """Train 2 epochs of 7 steps, logged every 3; returns the lines, the history and the runner."""
    hooks = dict(logger=dict(type='LoggerHook', interval=3),
                 checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=5))
    if runtime_info is not None:
        hooks['runtime_info'] = runtime_info
    runner = InfoMinRunner.from_cfg(Config(dict(
        default_scope='infomin_plugin', experiment_name=str(tmp_path), work_dir=str(tmp_path),
        log_level='ERROR', model=dict(type='Falling'), default_hooks=hooks,
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01)),
        log_processor=dict(window_size=3), train_cfg=dict(by_epoch=True, max_epochs=2),
        train_dataloader=dict(dataset=[0] * 7, batch_size=1, num_workers=0, sampler=dict(
            type='DefaultSampler', shuffle=False)))))
    if spy is not None:
        runner.register_hook(spy)
    runner.train()
    (path, ) = tmp_path.glob('*/vis_data/scalars.json')
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        line.pop('time'), line.pop('data_time')
    return lines, runner


def history(hub):
    return {name: buffer.data for name, buffer in hub.items() if 'time' not in name}


def test_log_and_history_are_those_of_mmengines_hook(tmp_path):
    lines, runner = train(tmp_path / 'ours')
    stock_lines, stock = train(tmp_path / 'stock', dict(type='RuntimeInfoHook'))
    assert [type(hook).__name__ for hook in stock.hooks].count('DeferredLogHook') == 0
    assert lines == stock_lines and len(lines) >= 4
    ours, theirs = (history(each.message_hub.log_scalars) for each in (runner, stock))
    assert set(ours) == set(theirs) >= {'train/loss', 'train/acc', 'train/number', 'train/rare'}
    for name, (values, counts) in theirs.items():
        assert values.tolist() == ours[name][0].tolist()
        assert counts.tolist() == ours[name][1].tolist()


def test_a_checkpoint_between_two_log_lines_has_the_whole_history(tmp_path):
    train(tmp_path / 'ours'), train(tmp_path / 'stock', dict(type='RuntimeInfoHook'))
    ours, theirs = (history(torch.load(tmp_path / name / 'iter_5.pth')['message_hub'][
        'log_scalars']) for name in ('ours', 'stock'))
    assert len(theirs['train/loss'][0]) == 5
    for name in theirs:
        assert theirs[name][0].tolist() == ours[name][0].tolist()
    assert read_file(tmp_path / 'ours/iter_5.pth')['meta']['iter'] == 5


def test_values_are_moved_together_and_only_when_they_are_read(tmp_path):
    seen = []

    class Spy(Hook):
        priority = 'NORMAL'

        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            (hook, ) = (hook for hook in runner.hooks if isinstance(hook, DeferredLogHook))
            seen.append([key for key, _ in hook.waiting].count('train/loss'))

    train(tmp_path, spy=Spy())
    # steps that wait after each of 7 steps an epoch; every third is logged, of an epoch or a run
    assert seen == [1, 2, 0, 1, 2, 0, 0, 1, 0, 0, 1, 0, 0, 0]


def test_a_bad_interval_is_named():
    with pytest.raises(ValueError, match='interval must be at least 1, got 0'):
        DeferredLogHook(0)
