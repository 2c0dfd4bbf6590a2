"""A model hears of its optimiser's steps, and of nothing else."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.registry import DefaultScope
from torch import nn

from infomin_plugin.engine import InfoMinRunner, OptimizerStepHook
from infomin_plugin.registry import MODELS


@MODELS.register_module(force=True)
class Counting(BaseModel):
    """Remembers after which forward passes it heard of a step."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.passes, self.heard, self.weights = 0, [], []

    def forward(self, inputs=None, data_samples=None, mode='loss'):
        self.passes += 1
        return dict(loss=self.weight.square().sum())

    def after_optimizer_step(self):
        self.heard.append(self.passes)
        self.weights.append(self.weight.item())


@pytest.fixture(autouse=True)
def _scope():
    with DefaultScope.overwrite_default_scope('infomin_plugin'):
        yield


def train(tmp_path, accumulative_counts, **changes):
    runner = InfoMinRunner.from_cfg(Config(dict(
        default_scope='infomin_plugin', experiment_name=str(tmp_path), work_dir=str(tmp_path),
        log_level='ERROR', model=dict(type='Counting'),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1),
                           accumulative_counts=accumulative_counts),
        train_cfg=dict(by_epoch=True, max_epochs=1),
        train_dataloader=dict(dataset=[0] * 7, batch_size=1, num_workers=0, sampler=dict(
            type='DefaultSampler', shuffle=False))) | changes))
    return runner.train()


@pytest.mark.parametrize('counts, steps', [(1, [1, 2, 3, 4, 5, 6, 7]), (3, [3, 6, 7])])
def test_after_each_step_of_a_run_the_last_included(tmp_path, counts, steps):
    model = train(tmp_path, counts)
    assert model.heard == steps
    assert all(earlier > later for earlier, later in zip(
        [1., *model.weights], model.weights, strict=False))  # the optimiser had stepped


def test_a_config_may_list_it_itself(tmp_path):
    model = train(tmp_path, 3, custom_hooks=[dict(type='OptimizerStepHook')])
    assert model.heard == [3, 6, 7]  # once each


def test_with_players_any_ones_step_counts():
    model = Counting()
    still, moved = (OptimWrapper(torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1),
                                 accumulative_counts=count) for count in (2, 1))
    for wrapper in (still, moved):
        wrapper.update_params(wrapper.optimizer.param_groups[0]['params'][0].sum())
    runner = SimpleNamespace(model=model)
    for players, heard in ((dict(a=still), 0), (dict(a=still, b=moved), 1)):
        runner.optim_wrapper = OptimWrapperDict(**players)
        OptimizerStepHook().after_train_iter(runner, 0)
        assert len(model.heard) == heard
