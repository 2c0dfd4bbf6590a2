"""Schedules, data and hooks of the detection configs, read off what is built.

The detectors: test_detection_configs.py. Figures of an evaluation: test_voc_ap.py, test_coco_ap.py.
"""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmdet.utils import register_all_modules
from mmengine.config import Config
from mmengine.optim import LinearLR, MultiStepLR
from mmengine.registry import HOOKS, PARAM_SCHEDULERS, DefaultScope
from torch import nn

from infomin_plugin.engine import InfoMinRunner

ROOT = Path(__file__).parents[2]
ALL = sorted(path.stem for path in ROOT.glob('configs/detection/*.py'))
DEMO = sorted(path.stem for path in ROOT.glob('configs/demo/*-form.py'))
VOC = [name for name in ALL if name.endswith('_voc0712')]
COCO = [name for name in ALL if name.endswith('_coco')]
OWN = 'mask-rcnn_r50_fpn_8xb2-12e_coco-form'
SCHEDULES = {  # iterations, drops, warm-up
    '24k': (24_000, (18_000, 22_000), 100),
    '1x': (90_000, (60_000, 80_000), 1000),
    '2x': (180_000, (120_000, 160_000), 1000),
    '6x': (540_000, (480_000, 520_000), 1000),
}


@pytest.fixture(autouse=True)
def _mmdet_scope():
    register_all_modules(init_default_scope=False)
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield


@cache
def _config(name: str) -> Config:
    return Config.fromfile(next(ROOT.glob(f'configs/d*/{name}.py')))


def _schedulers(cfg: Config) -> tuple[torch.optim.Optimizer, list]:
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=cfg.optim_wrapper.optimizer.lr)
    optimiser.step()
    return optimiser, [PARAM_SCHEDULERS.build(dict(scheduler, optimizer=optimiser))
                       for scheduler in cfg.param_scheduler]


def test_the_rows_of_the_tables_are_all_there():
    detectors = {re.sub(r'_8xb2-(\w+?)_', r'_\1_', name) for name in (*VOC, *COCO)}
    assert detectors >= {'faster-rcnn_r50-c4_24k_voc0712', 'mask-rcnn_r50_fpn_6x_coco'} | {
        f'{detector}_{schedule}_coco' for schedule in ('1x', '2x') for detector in (
            'mask-rcnn_r50_fpn', 'mask-rcnn_r50-c4', 'mask-rcnn_r101-c4', 'mask-rcnn_r101_fpn',
            'cascade-mask-rcnn_r101_fpn', 'mask-rcnn_x101-32x8d_fpn', 'mask-rcnn_x152-32x8d_fpn')}


@pytest.mark.parametrize('name', [*COCO, OWN])
def test_schedules_share_the_detector(name):
    assert _config(name).model == _config(re.sub('8xb2-.*', '8xb2-1x_coco', name)).model


@pytest.mark.parametrize('name', [*VOC, *COCO])
def test_schedule_is_the_one_of_the_name(name):
    cfg = _config(name)
    iterations, drops, warmup = SCHEDULES[re.search(r'_8xb2-(\w+?)_', name)[1]]
    assert (cfg.train_cfg.type, cfg.train_cfg.max_iters) == ('IterBasedTrainLoop', iterations)
    _, (start, steps) = _schedulers(cfg)
    assert type(start) is LinearLR and type(steps) is MultiStepLR
    assert not start.by_epoch and not steps.by_epoch
    assert (start.begin, start.end, start.start_factor) == (0, warmup, 0.001)
    assert (steps.begin, steps.end, steps.gamma) == (0, iterations, 0.1)
    assert sorted(steps.milestones.elements()) == list(drops)


def test_learning_rate_over_a_whole_training():
    iterations, drops, warmup = SCHEDULES['24k']
    optimiser, schedulers = _schedulers(_config(VOC[0]))
    rates = np.empty(iterations)
    for iteration in range(iterations):
        rates[iteration] = optimiser.param_groups[0]['lr']
        for scheduler in schedulers:
            scheduler.step()
    # Detectron2 reaches the full rate at the iteration after the warm-up; mmengine one before
    np.testing.assert_allclose(rates[0], 0.02 * 0.001)
    assert (np.diff(rates[:warmup]) > 0).all() and rates[warmup - 2] < 0.02
    np.testing.assert_allclose(rates[warmup:drops[0]], 0.02)
    np.testing.assert_allclose(rates[drops[0]:drops[1]], 0.002)
    np.testing.assert_allclose(rates[drops[1]:], 0.0002)


@pytest.mark.parametrize('name', ALL)
def test_batch_and_optimiser(name):
    cfg = _config(name)
    assert cfg.train_dataloader.batch_size * 8 == cfg.auto_scale_lr.base_batch_size == 16
    assert not cfg.auto_scale_lr.enable
    optimiser = dict(cfg.optim_wrapper.optimizer)
    assert optimiser == dict(type='SGD', lr=0.02, momentum=0.9, weight_decay=0.0001)


@pytest.mark.parametrize('name', [*ALL, *DEMO])
def test_precise_batch_norm_before_each_validation(name):
    hooks = [HOOKS.build(hook) for hook in _config(name).custom_hooks]
    assert [hook.num_iters for hook in hooks
            if type(hook).__name__ == 'PreciseBNHook'] == [10 if name in DEMO else 200]


@pytest.mark.parametrize('name', [*VOC, *COCO])
def test_checkpoints_are_counted_in_iterations_and_kept_where_validated(name):
    cfg = _config(name)
    hook = HOOKS.build(cfg.default_hooks.checkpoint)
    assert (hook.by_epoch, hook.max_keep_ckpts) == (False, 3)
    assert hook.interval == cfg.train_cfg.val_interval
    assert cfg.train_cfg.max_iters % cfg.train_cfg.val_interval == 0


@pytest.mark.parametrize('name', [*ALL, *DEMO])
def test_no_weights_from_the_web(name):
    cfg = _config(name)
    text = str(cfg.to_dict())
    assert 'Pretrained' not in text and '://' not in text
    assert cfg.pretrained is None
    assert cfg.runner_type == f'infomin_plugin.{InfoMinRunner.__name__}'
    assert cfg.default_scope == 'mmdet'


@pytest.mark.parametrize('name', COCO)
def test_all_of_coco_have_the_same_data_and_evaluation(name):
    for key in ('train_dataloader', 'val_dataloader', 'test_dataloader', 'val_evaluator',
                'test_evaluator', 'val_cfg', 'test_cfg', 'custom_hooks', 'optim_wrapper'):
        assert _config(name)[key] == _config('mask-rcnn_r50_fpn_8xb2-1x_coco')[key], key


@pytest.mark.parametrize('name, sides', [
    (VOC[0], range(480, 801, 32)), (COCO[0], range(640, 801, 32)), (OWN, range(640, 801, 32))])
def test_image_sizes(name, sides):
    def sides_of(transforms, tries):
        resize = Compose([t for t in transforms if 'Resize' in t.type])
        for _ in range(tries):
            yield resize(dict(img=np.zeros((50, 66, 3), np.uint8)))['img_shape']

    cfg = _config(name)
    dataset = cfg.train_dataloader.dataset
    for part in dataset.get('datasets', [dataset]):
        seen = {min(shape) for shape in sides_of(part.pipeline, 150)}
        assert seen == set(sides)
    assert set(sides_of(cfg.test_dataloader.dataset.pipeline, 1)) == {(800, 1056)}
    wide = Compose([t for t in cfg.test_dataloader.dataset.pipeline if 'Resize' in t.type])(
        dict(img=np.zeros((30, 90, 3), np.uint8)))
    assert max(wide['img_shape']) == 1333


def test_data_of_voc_and_of_coco():
    voc, coco = _config(VOC[0]), _config(COCO[0])
    assert [d.ann_file for d in voc.train_dataloader.dataset.datasets] == [
        f'VOC{year}/ImageSets/Main/trainval.txt' for year in (2007, 2012)]
    assert voc.test_dataloader.dataset.ann_file == 'VOC2007/ImageSets/Main/test.txt'
    assert voc.val_evaluator == voc.test_evaluator
    for part, split in (('train', 'train2017'), ('val', 'val2017'), ('test', 'val2017')):
        dataset = coco[f'{part}_dataloader'].dataset
        assert dataset.ann_file == f'annotations/instances_{split}.json'
        assert dataset.data_prefix == dict(img=f'{split}/')
    assert coco.val_evaluator == coco.test_evaluator
    assert coco.val_evaluator.ann_file.endswith('annotations/instances_val2017.json')


@pytest.mark.parametrize('name', [VOC[0], COCO[0], OWN])
def test_can_be_shrunk_by_options(name):
    """What `tools/train.py CONFIG --cfg-options` is given for one tiny step."""
    cfg = Config.fromfile(ROOT / f'configs/detection/{name}.py')
    tiny = [(64, 64)]
    part = 'datasets.0.pipeline' if name == VOC[0] else 'pipeline'
    limit = 'max_epochs' if name == OWN else 'max_iters'
    cfg.merge_from_dict({
        f'train_dataloader.dataset.{part}.2.scales': tiny,
        'test_dataloader.dataset.pipeline.1.scale': tiny[0],
        f'train_cfg.{limit}': 1})
    dataset = cfg.train_dataloader.dataset
    pipeline = dataset.datasets[0].pipeline if name == VOC[0] else dataset.pipeline
    assert pipeline[2].scales == tiny and cfg.train_cfg[limit] == 1
