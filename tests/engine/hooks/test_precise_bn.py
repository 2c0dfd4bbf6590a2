"""Precise batch norm against statistics computed by hand from all values at once.

Detectors, and several processes: test_precise_bn_detector.py. Synchronised norms:
test_precise_bn_synchronised.py.
"""

import copy
import random

import numpy as np
import pytest
import torch
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import Dataset
from two_layers import TwoLayers, far_apart

from infomin_plugin.checkpoints import read_file
from infomin_plugin.engine.hooks.precise_bn import PreciseBNHook, update_bn_statistics


@pytest.fixture(autouse=True)
def _scope_kept():
    with DefaultScope.overwrite_default_scope('mmengine'):
        yield


def _pooled(batches: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the mixture with one component a batch, all of the same weight."""
    weights = np.concatenate([np.full(len(x), 1 / len(x) / len(batches)) for x in batches])
    values = np.concatenate(batches)
    mean = weights @ values
    return mean, weights @ (values - mean)**2


def _by_hand(model: TwoLayers, batches: list[dict]) -> list[tuple[np.ndarray, np.ndarray]]:
    first = [batch['inputs'].double().numpy() for batch in batches]
    weight = model.linear.weight.detach().double().numpy()
    bias = model.linear.bias.detach().double().numpy()
    second = [(x - x.mean(0)) / np.sqrt(x.var(0) + model.bn1.eps) @ weight.T + bias for x in first]
    return [_pooled(first), _pooled(second)]


def _check(model: TwoLayers, batches: list[dict]) -> None:
    for bn, (mean, var) in zip((model.bn1, model.bn2), _by_hand(model, batches), strict=True):
        np.testing.assert_allclose(bn.running_mean.numpy(), mean, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(bn.running_var.numpy(), var, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('reverted', [False, True])
def test_statistics_are_those_of_all_batches_together(reverted):
    model = TwoLayers(nn.SyncBatchNorm if reverted else nn.BatchNorm1d)
    if reverted:
        model = revert_sync_batchnorm(model)
        assert not isinstance(model.bn1, nn.SyncBatchNorm | nn.BatchNorm1d)
    assert update_bn_statistics(model, far_apart()) == (2, 3)
    _check(model, far_apart())
    assert model.passes == ['loss'] * 3


def test_everything_else_stays():
    model = TwoLayers()
    model.bn1.momentum, model.bn2.momentum = 0.3, None
    update_bn_statistics(model, far_apart())
    before = copy.deepcopy(model.state_dict())
    model.bn2.eval()
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()

    update_bn_statistics(model, [dict(inputs=torch.randn(9, 4, generator=torch.Generator()))])

    changed = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert changed == {'bn1.running_mean', 'bn1.running_var'}  # bn2 is in evaluation mode
    assert (model.bn1.momentum, model.bn2.momentum) == (0.3, None)
    assert model.bn1.track_running_stats and model.bn2.track_running_stats
    assert model.training and model.bn1.training and not model.bn2.training
    assert random.getstate() == states[0]
    assert np.random.get_state()[1].tolist() == states[1]
    assert torch.equal(torch.get_rng_state(), states[2])
    assert all(parameter.grad is None for parameter in model.parameters())


def test_model_in_evaluation_mode_is_run_in_training_mode_and_left_in_evaluation_mode():
    model = TwoLayers().eval()
    update_bn_statistics(model, far_apart())
    _check(model, far_apart())
    assert not any(module.training for module in model.modules())


def test_a_failing_batch_leaves_the_model_as_it_was():
    model = TwoLayers()
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(RuntimeError):
        update_bn_statistics(model, [*far_apart(), dict(inputs=torch.zeros(3, 99))])
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert model.bn1.track_running_stats and not model.bn1._forward_pre_hooks


# ------------------------------------------------------------------------- within a training


class Noisy(Dataset):
    """12 samples, each changed at random whenever it is read."""

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> dict:
        return dict(inputs=torch.full((4, ), float(index)) + 0.1 * np.random.rand() + torch.arange(
            4))


class Size(BaseMetric):
    """Number of samples."""

    def process(self, data_batch, data_samples) -> None:
        self.results.append(len(data_batch['inputs']))

    def compute_metrics(self, results: list) -> dict:
        return dict(size=sum(results))


class Watch(Hook):
    """Keeps the statistics with which each validation ran."""

    def __init__(self) -> None:
        self.seen = []

    def after_val_epoch(self, runner, metrics=None) -> None:
        self.seen.append((runner.iter, runner.model.bn1.running_mean.clone()))


def _train(work_dir, by_epoch: bool, num_iters: int | None, val_interval: int,
           total: int) -> tuple[Runner, Watch]:
    watch = Watch()
    unit = 'max_epochs' if by_epoch else 'max_iters'
    hooks = [watch] + ([PreciseBNHook(num_iters)] if num_iters else [])
    runner = Runner(
        model=TwoLayers(),
        work_dir=str(work_dir),
        train_dataloader=dict(
            dataset=Noisy(), batch_size=3, num_workers=0, collate_fn=dict(type='default_collate'),
            sampler=dict(type='DefaultSampler' if by_epoch else 'InfiniteSampler', shuffle=True)),
        train_cfg={'by_epoch': by_epoch, unit: total, 'val_interval': val_interval},
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01)),
        val_dataloader=dict(
            dataset=Noisy(), batch_size=4, num_workers=0, collate_fn=dict(type='default_collate'),
            sampler=dict(type='DefaultSampler', shuffle=False)),
        val_cfg=dict(),
        val_evaluator=dict(type=Size),
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', interval=val_interval, by_epoch=by_epoch)),
        custom_hooks=hooks,
        randomness=dict(seed=0),
        log_level='WARNING',
        default_scope='mmengine',
        experiment_name=f'precise_bn_{work_dir.parent.name}_{work_dir.name}')
    runner.train()
    return runner, watch


@pytest.mark.parametrize('by_epoch, val_interval, total, moments', [
    (True, 2, 3, {'epoch_2': 8, 'epoch_3': 12}),
    (False, 3, 7, {'iter_3': 3, 'iter_6': 6, 'iter_7': 7}),
])
def test_before_each_validation_and_checkpoint(tmp_path, by_epoch, val_interval, total, moments):
    _, watch = _train(tmp_path / 'with', by_epoch, 200, val_interval, total)
    assert [iteration for iteration, _ in watch.seen] == list(moments.values())
    for (_, mean), name in zip(watch.seen, moments, strict=True):
        # All 12 samples once: the mean of 0 ... 11, up to the noise (0 ... 0.1).
        torch.testing.assert_close(
            mean, 5.5 + 0.05 + torch.arange(4.), atol=0.05, rtol=0)
        saved = read_file(tmp_path / 'with' / f'{name}.pth')['state_dict']
        assert torch.equal(saved['bn1.running_mean'], mean)


@pytest.mark.parametrize('by_epoch, val_interval, total', [(True, 1, 3), (False, 2, 9)])
def test_training_goes_on_as_without_the_hook(tmp_path, by_epoch, val_interval, total):
    model = _train(tmp_path / 'with', by_epoch, 2, val_interval, total)[0].model
    other = _train(tmp_path / 'without', by_epoch, None, val_interval, total)[0].model
    for (name, ours), (_, theirs) in zip(
            model.named_parameters(), other.named_parameters(), strict=True):
        assert torch.equal(ours, theirs), name
    assert not torch.equal(model.bn1.running_mean, other.bn1.running_mean)


def test_num_iters_bounds_the_passes(tmp_path):
    runner, _ = _train(tmp_path / 'run', False, 2, 5, 5)
    assert runner.model.passes.count('loss') == 5 + 2


def test_num_iters_must_be_positive():
    with pytest.raises(ValueError, match='num_iters must be positive, but it is 0'):
        PreciseBNHook(0)
