"""Precise batch norm against statistics computed by hand from all values at once."""

import copy
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import BaseModel, revert_sync_batchnorm
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import Dataset

from infomin_plugin.checkpoints import read_file
from infomin_plugin.engine.hooks.precise_bn import PreciseBNHook, update_bn_statistics

DETECTOR = Path(__file__).parents[3] / 'configs/demo/faster-rcnn_r18_fpn_voc-form.py'


@pytest.fixture(autouse=True)
def _scope_kept():
    with DefaultScope.overwrite_default_scope('mmengine'):
        yield


class TwoLayers(BaseModel):
    """Batch norm, a fixed linear map, batch norm; counts its passes by mode."""

    def __init__(self, norm: type[nn.Module] = nn.BatchNorm1d) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.bn1, self.linear, self.bn2 = norm(4), nn.Linear(4, 6), norm(6)
        self.group = nn.GroupNorm(2, 6)
        self.passes = []

    def forward(self, inputs, data_samples=None, mode='tensor'):
        self.passes.append(mode)
        x = self.group(self.bn2(self.linear(self.bn1(inputs))))
        return dict(loss=(x + 0.01 * torch.rand_like(x)).square().sum()) if mode == 'loss' else [x]


def _batches(sizes=(8, 5, 12)) -> list[dict]:
    generator = torch.Generator().manual_seed(0)
    # Means far apart: the variance of all values is much above the mean of the variances.
    return [
        dict(inputs=torch.randn(size, 4, generator=generator) * (1 + index) + 7 * index)
        for index, size in enumerate(sizes)
    ]


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
    assert update_bn_statistics(model, _batches()) == (2, 3)
    _check(model, _batches())
    assert model.passes == ['loss'] * 3


def test_everything_else_stays():
    model = TwoLayers()
    model.bn1.momentum, model.bn2.momentum = 0.3, None
    update_bn_statistics(model, _batches())
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
    update_bn_statistics(model, _batches())
    _check(model, _batches())
    assert not any(module.training for module in model.modules())


def test_a_failing_batch_leaves_the_model_as_it_was():
    model = TwoLayers()
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(RuntimeError):
        update_bn_statistics(model, [*_batches(), dict(inputs=torch.zeros(3, 99))])
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert model.bn1.track_running_stats and not model.bn1._forward_pre_hooks


def _process(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{folder}/store', rank=rank, world_size=2)
    model = TwoLayers()
    update_bn_statistics(model, _batches((8, 5, 12, 7))[rank::2])
    torch.save(model.state_dict(), f'{folder}/{rank}.pth')


def test_two_processes_agree_with_one_that_sees_all_batches(tmp_path):
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)}
    workers = [
        subprocess.Popen([sys.executable, __file__, str(rank), str(tmp_path)], env=environment)
        for rank in range(2)
    ]
    assert [worker.wait(60) for worker in workers] == [0, 0]
    alone = TwoLayers()
    update_bn_statistics(alone, _batches((8, 5, 12, 7)))
    first, second = (torch.load(tmp_path / f'{rank}.pth', weights_only=True) for rank in range(2))
    for name, expected in alone.state_dict().items():
        assert torch.equal(first[name], second[name])
        torch.testing.assert_close(first[name], expected, rtol=1e-6, atol=1e-6)


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


# -------------------------------------------------------------------------------- a detector


def test_detector_in_loss_mode():
    """Its regions are drawn as in training, and its statistics are those of all its batches."""
    from mmdet.structures import DetDataSample
    from mmdet.utils import register_all_modules
    from mmengine.config import Config
    from mmengine.structures import InstanceData

    from infomin_plugin.registry import MODELS
    register_all_modules(init_default_scope=False)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(Config.fromfile(DETECTOR).model)
    model.init_weights()
    model.train()

    def batch(seed: int) -> dict:
        generator = torch.Generator().manual_seed(seed)
        objects = InstanceData(bboxes=torch.tensor([[8., 8., 40., 44.]]), labels=torch.tensor([0]))
        sample = DetDataSample(
            metainfo=dict(img_shape=(64, 64), ori_shape=(64, 64), scale_factor=(1., 1.)),
            gt_instances=objects,
            ignored_instances=InstanceData(
                bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.long)))
        image = torch.randint(40 * seed, 256, (3, 64, 64), generator=generator, dtype=torch.uint8)
        return dict(inputs=[image], data_samples=[sample])

    # PyTorch's own cumulative average of the batch means, on the same batches and draws.
    other = copy.deepcopy(model)
    for module in other.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    stem, regions = [], []
    other.backbone.conv1.register_forward_hook(lambda *args: stem.append(args[2]))
    other.roi_head.bbox_head.shared_convs[0].register_forward_hook(
        lambda *args: regions.append(len(args[2])))
    torch.manual_seed(5)
    with torch.no_grad():
        for seed in (0, 1, 3):
            other(**other.data_preprocessor(batch(seed), training=True), mode='loss')
    torch.manual_seed(5)
    update_bn_statistics(model, [batch(seed) for seed in (0, 1, 3)])

    assert regions == [32] * 3  # train_cfg.rcnn.sampler.num, not the proposals of a test
    found, expected = model.state_dict(), other.state_dict()
    means = [name for name in found if name.endswith('running_mean')]
    assert len(means) == 20 + 8 + 1  # ResNet-18, FPN, box head
    for name in means:
        torch.testing.assert_close(found[name], expected[name], atol=1e-5, rtol=1e-4)
    values = torch.cat(stem).transpose(0, 1).flatten(1)
    torch.testing.assert_close(
        found['backbone.bn1.running_var'], values.var(1, unbiased=False), rtol=1e-4, atol=1e-6)


if __name__ == '__main__':  # one of the two processes
    _process(int(sys.argv[1]), sys.argv[2])
