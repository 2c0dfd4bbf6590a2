"""Settings of a run that concern its step: warm-up, rates, memory layout, precision."""

import math

import pytest
import torch
from config_runs import train_config
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import DefaultScope
from tiny_configs import write_tiny
from torch import nn

from infomin_plugin.engine import BFloat16OptimWrapper, InfoMinRunner
from infomin_plugin.engine.command_line import use_amp
from infomin_plugin.engine.runner.warm_up import warm_up_schedulers
from infomin_plugin.registry import MODELS

EPOCHS, BATCHES = 12, 4
WARM_UP = dict(start_lr=0.01, epochs=3, above=256)
INFOMIN = 'configs/pretrain/infomin/infomin_resnet50_8xb32-coslr-200e_in1k.py'


@pytest.fixture(autouse=True)
def _scope():
    with DefaultScope.overwrite_default_scope('infomin_plugin'):
        yield


@MODELS.register_module(force=True)
class Nothing(BaseModel):
    """A model that is quick to train."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, *args, **kwargs):
        return dict(loss=self.weight.sum())


class Rates(Hook):
    """The rate of each step."""

    def __init__(self):
        self.rates = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.rates.append(runner.optim_wrapper.param_groups[0]['lr'])


def rates_of(tmp_path, batch, accumulative_counts=1, warm_up=WARM_UP):
    hook = Rates()
    runner = InfoMinRunner.from_cfg(Config(dict(
        default_scope='infomin_plugin', experiment_name=str(tmp_path), work_dir=str(tmp_path),
        log_level='ERROR', model=dict(type='Nothing'), warm_up=warm_up,
        default_hooks=dict(checkpoint=None),
        auto_scale_lr=dict(enable=True, base_batch_size=256),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.03),
                           accumulative_counts=accumulative_counts),
        param_scheduler=[dict(type='CosineAnnealingLR', eta_min_ratio=1e-3, T_max=EPOCHS, begin=0,
                              end=EPOCHS)],
        train_cfg=dict(by_epoch=True, max_epochs=EPOCHS),
        train_dataloader=dict(dataset=[0] * batch * BATCHES, batch_size=batch, num_workers=0,
                              sampler=dict(type='DefaultSampler', shuffle=False)))))
    runner.register_hook(hook)
    runner.train()
    return hook.rates


def cosine(rate, epoch):
    return rate * (1e-3 + (1 - 1e-3) * (1 + math.cos(math.pi * epoch / EPOCHS)) / 2)


def test_no_warm_up_at_the_base_batch(tmp_path):
    rates = rates_of(tmp_path, 256)
    assert rates == pytest.approx([cosine(0.03, step // BATCHES) for step in range(len(rates))])


@pytest.mark.parametrize('batch, counts', [(512, 1), (256, 2)])
def test_a_larger_batch_starts_slowly_and_ends_on_the_curve(tmp_path, batch, counts):
    """Whether it is one batch or accumulated."""
    rates = rates_of(tmp_path, batch, counts)
    assert rates[0] == pytest.approx(0.01)
    first = rates[:BATCHES]  # one epoch, in which the cosine stays: a straight line
    slope = (0.06 - 0.01) / (WARM_UP['epochs'] * BATCHES - 1)
    assert first == pytest.approx([0.01 + slope * step for step in range(BATCHES)])
    end = WARM_UP['epochs'] * BATCHES
    expected = [cosine(0.06, step // BATCHES) for step in range(len(rates))]
    assert rates[end:] == pytest.approx(expected[end:], rel=1e-2)
    assert all(ours < theirs for ours, theirs in zip(rates[:end - 1], expected, strict=False))


def test_a_rate_below_the_start_needs_no_warm_up():
    assert warm_up_schedulers(WARM_UP, 512, [0.005]) == []
    assert warm_up_schedulers(None, 512, [0.06]) == []


@pytest.mark.parametrize('warm_up, words', [
    (dict(start_lr=0.01), 'needs start_lr, epochs and above'),
    (dict(WARM_UP, epochs=0), 'at least 1 epoch'),
    (dict(WARM_UP, start_lr=0), 'start_lr above 0'),
])
def test_bad_warm_ups_are_named(warm_up, words):
    with pytest.raises(ValueError, match=words):
        warm_up_schedulers(warm_up, 512, [0.06])


@pytest.mark.parametrize('name, epochs', [('200e', 5), ('800e', 10)])
def test_the_authors_warm_up_is_in_the_configs(name, epochs):
    path = INFOMIN.replace('200e', name)
    assert Config.fromfile(path).warm_up == dict(start_lr=0.01, epochs=epochs, above=256)


def test_bfloat16_computes_the_forward_pass_only():
    layer = nn.Linear(3, 2)
    wrapper = BFloat16OptimWrapper(torch.optim.SGD(layer.parameters(), lr=0.1))
    with wrapper.optim_context(layer):
        output = layer(torch.ones(1, 3))
    assert output.dtype == torch.bfloat16
    wrapper.update_params(output.float().sum())
    assert {p.dtype for p in layer.parameters()} == {torch.float32}
    assert layer(torch.ones(1, 3)).dtype == torch.float32


@pytest.mark.parametrize('dtype, expected', [
    ('float16', dict(type='AmpOptimWrapper', loss_scale='dynamic')),
    ('bfloat16', dict(type='infomin_plugin.BFloat16OptimWrapper'))])
def test_the_command_lines_precision(dtype, expected):
    cfg = Config(dict(optim_wrapper=dict(type='OptimWrapper')))
    use_amp(cfg, dtype)
    assert cfg.optim_wrapper == expected


def test_channels_last_and_bfloat16_train_and_load_anywhere(images, tmp_path):
    # torch 2.0.1 leaves weight gradients uninitialised where a convolution of stride 2 and bfloat16
    # meets a map of one pixel on a CPU with AVX-512; patches of 32 pixels end with 2 x 2
    path = write_tiny(INFOMIN, tmp_path / 'config', patch=32)
    options = [f'data_root={images}', 'default_hooks.checkpoint.interval=1']
    fast = train_config(path, tmp_path / 'fast', [
        *options, 'channels_last=True', 'optim_wrapper.type=BFloat16OptimWrapper'])
    weight = fast.model.backbone.layer2[0].conv2.weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    key = fast.model.momentum_encoder.module.backbone.layer2[0].conv2.weight
    assert key.is_contiguous(memory_format=torch.channels_last)
    batch = fast.model.data_preprocessor(next(iter(fast.train_dataloader)))
    assert batch['inputs']['views'][0].is_contiguous(memory_format=torch.channels_last)
    assert fast.model.memory.keys.dtype == torch.float32
    new = fast.model.memory.keys[:4].norm(dim=1)
    torch.testing.assert_close(new, torch.ones(4))  # unit vectors of single precision

    plain = train_config(path, tmp_path / 'plain', options)
    plain.model.load_state_dict(fast.model.state_dict())
    with torch.no_grad():
        # by statistics of the batch: the running ones are those of three steps
        ours, theirs = (runner.model.train()(batch['inputs']) for runner in (fast, plain))
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


def test_detectors_may_be_channels_last(mini, tmp_path):
    path = write_tiny('configs/demo/mask-rcnn_r18_fpn_coco-form.py', tmp_path / 'config')
    runner = train_config(path, tmp_path / 'work', [f'data_root={mini}', 'channels_last=True'])
    assert runner.model.backbone.layer2[0].conv2.weight.is_contiguous(
        memory_format=torch.channels_last)
