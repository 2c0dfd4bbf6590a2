"""The detection configs' numbers, read off what is built from them (Tian et al. 2020, transfer)."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmdet.registry import MODELS
from mmdet.utils import register_all_modules
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import HOOKS, PARAM_SCHEDULERS, DefaultScope
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from infomin_plugin.engine import InfoMinRunner
from infomin_plugin.models import ResLayerExtraNorm

ROOT = Path(__file__).parents[2]
CONFIGS = {
    'voc': 'configs/detection/faster-rcnn_r50-c4_8xb2-24k_voc0712.py',
    '1x': 'configs/detection/mask-rcnn_r50_fpn_8xb2-1x_coco.py',
    '2x': 'configs/detection/mask-rcnn_r50_fpn_8xb2-2x_coco.py',
    'own': 'configs/detection/mask-rcnn_r50_fpn_8xb2-12e_coco-form.py',
    'two-view-voc': 'configs/detection/faster-rcnn_two-view-r50-c4_8xb2-24k_voc0712.py',
    'two-view': 'configs/detection/mask-rcnn_two-view-r50_fpn_8xb2-1x_coco.py',
    'demo-voc': 'configs/demo/faster-rcnn_r18_fpn_voc-form.py',
    'demo-coco': 'configs/demo/mask-rcnn_r18_fpn_coco-form.py',
    'demo-two-view': 'configs/demo/mask-rcnn_two-view-r18_fpn_coco-form.py',
}
LARGE, SMALL = ('voc', '1x', '2x', 'own'), ('demo-voc', 'demo-coco')
TWO_VIEW = {'two-view-voc': 'voc', 'two-view': '1x', 'demo-two-view': 'demo-coco'}


@pytest.fixture(autouse=True)
def _mmdet_scope():
    register_all_modules(init_default_scope=False)
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield


def _config(name: str) -> Config:
    return Config.fromfile(ROOT / CONFIGS[name])


@pytest.fixture(scope='module')
def models() -> dict[str, nn.Module]:
    """Built models; 1x stands for the three that share a model."""
    register_all_modules(init_default_scope=False)
    with DefaultScope.overwrite_default_scope('mmdet'):
        return {name: MODELS.build(_config(name).model) for name in ('voc', '1x', *SMALL)}


@pytest.mark.parametrize('name', ['2x', 'own'])
def test_they_share_the_model_of_1x(name):
    assert _config(name).model == _config('1x').model


@pytest.mark.parametrize('name', TWO_VIEW)
def test_two_views_change_the_trunk_and_nothing_else(name):
    ours, plain = _config(name), _config(TWO_VIEW[name])
    for cfg in (ours, plain):
        cfg.pop('trunk_channels', None)
        del cfg.model.backbone
        cfg.model.pop('neck', None)
        cfg.model.roi_head.pop('shared_head', None)
    assert ours.to_dict() == plain.to_dict()


@pytest.mark.parametrize('name', ['two-view-voc', 'two-view'])
def test_two_trunks_are_half_as_wide_and_as_the_plain_one_otherwise(name, models):
    ours, plain = MODELS.build(_config(name).model), models[TWO_VIEW[name]]
    assert [n for n, p in ours.named_parameters() if not p.requires_grad] == []
    for trunk in (ours.backbone.trunk1, ours.backbone.trunk2):
        theirs = plain.backbone.state_dict()
        for key, tensor in trunk.state_dict().items():
            if tensor.ndim and key != 'conv1.weight':
                assert tensor.shape[0] * 2 == theirs[key].shape[0], key
    assert tuple(ours.backbone.mean.flatten() * 255) == pytest.approx((123.675, 116.28, 103.53))
    assert tuple(ours.backbone.std.flatten() * 255) == pytest.approx((58.395, 57.12, 57.375))
    norms = [m for m in ours.modules() if isinstance(m, _BatchNorm)
             and m not in list(ours.backbone.view_norms)]
    assert all(isinstance(norm, nn.SyncBatchNorm) for norm in norms)
    if name == 'two-view-voc':
        assert ours.roi_head.shared_head.norm.num_features == 2048


@pytest.mark.parametrize('name', ['voc', '1x', *SMALL])
def test_nothing_is_frozen(models, name):
    model = models[name].train()
    assert [n for n, p in model.named_parameters() if not p.requires_grad] == []
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    assert norms and all(norm.training and norm.track_running_stats for norm in norms)


@pytest.mark.parametrize('name, parts', [
    # ResNet-50 up to res4: 1 + 3 * (3 + 4 + 6) + 3 shortcuts; res5: 9 + 1, and the extra one
    ('voc', {'backbone': 43, 'roi_head.shared_head': 11}),
    ('1x', {'backbone': 53, 'neck': 8, 'roi_head.bbox_head': 4, 'roi_head.mask_head': 4}),
])
def test_batch_norm_is_synchronised_everywhere(models, name, parts):
    model = models[name]
    for part, count in parts.items():
        norms = [m for m in model.get_submodule(part).modules() if isinstance(m, _BatchNorm)]
        assert len(norms) == count
        assert all(isinstance(norm, nn.SyncBatchNorm) for norm in norms)
    assert sum(isinstance(m, _BatchNorm) for m in model.modules()) == sum(parts.values())


def test_synchronised_norms_can_be_reverted_for_one_process():
    model = revert_sync_batchnorm(MODELS.build(_config('voc').model))
    assert not any(isinstance(module, nn.SyncBatchNorm) for module in model.modules())


@pytest.mark.parametrize('name', SMALL)
def test_small_detectors_need_no_gpu(models, name):
    assert not any(isinstance(module, nn.SyncBatchNorm) for module in models[name].modules())
    assert sum(p.numel() for p in models[name].backbone.parameters()) < 1e6


def test_small_detectors_differ_in_the_mask_head_only(models):
    faster, mask = (models[name].state_dict() for name in SMALL)
    assert {k: v.shape for k, v in faster.items()} == {
        k: v.shape for k, v in mask.items() if '.mask_head.' not in k}


def test_c4_head(models):
    model = models['voc']
    assert type(model.roi_head.shared_head) is ResLayerExtraNorm
    assert model.roi_head.shared_head.norm.num_features == 2048
    assert len(model.backbone.res_layers) == 3
    assert model.roi_head.bbox_head.fc_cls.out_features == 20 + 1


def test_fpn_heads(models):
    head = models['1x'].roi_head
    assert (len(head.bbox_head.shared_convs), len(head.bbox_head.shared_fcs)) == (4, 1)
    assert head.bbox_head.fc_cls.out_features == 80 + 1
    assert len(head.mask_head.convs) == 4


@pytest.mark.parametrize('name', ['voc', '1x'])
def test_stride_lies_in_the_3x3(models, name):
    block = models[name].backbone.layer2[0]
    assert (block.conv1.stride, block.conv2.stride) == ((1, 1), (2, 2))
    if name == 'voc':
        block = models[name].roi_head.shared_head.layer4[0]
        assert (block.conv1.stride, block.conv2.stride) == ((1, 1), (2, 2))


@pytest.mark.parametrize('name', ['voc', '1x', *SMALL])
def test_pixels_are_normalised_as_rgb(models, name):
    bgr = torch.tensor([0, 128, 255], dtype=torch.uint8).view(3, 1, 1).expand(3, 32, 32)
    out = models[name].data_preprocessor(dict(inputs=[bgr]), training=False)['inputs']
    expected = [(255 - 123.675) / 58.395, (128 - 116.28) / 57.12, (0 - 103.53) / 57.375]
    torch.testing.assert_close(out[0, :, 0, 0], torch.tensor(expected))


@pytest.mark.parametrize('name, train, test', [
    ('voc', (12000, 2000), (6000, 1000)), ('1x', (2000, 1000), (1000, 1000))])
def test_proposals(models, name, train, test):
    cfg = models[name].train_cfg.rpn_proposal, models[name].test_cfg.rpn
    assert [(c.nms_pre, c.max_per_img) for c in cfg] == [train, test]


@pytest.mark.parametrize('name, sides', [
    ('voc', range(480, 801, 32)), ('1x', range(640, 801, 32)), ('own', range(640, 801, 32))])
def test_scales(name, sides):
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


@pytest.mark.parametrize('name, iterations, drops, warmup', [
    ('voc', 24_000, (18_000, 22_000), 100),
    ('1x', 90_000, (60_000, 80_000), 1000),
    ('2x', 180_000, (120_000, 160_000), 1000),
])
def test_learning_rate(name, iterations, drops, warmup):
    cfg = _config(name)
    assert cfg.train_cfg.type == 'IterBasedTrainLoop' and cfg.train_cfg.max_iters == iterations
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=cfg.optim_wrapper.optimizer.lr)
    optimiser.step()
    schedulers = [
        PARAM_SCHEDULERS.build(dict(scheduler, optimizer=optimiser))
        for scheduler in cfg.param_scheduler
    ]
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


@pytest.mark.parametrize('name', LARGE)
def test_batch_and_optimiser(name):
    cfg = _config(name)
    assert cfg.train_dataloader.batch_size * 8 == cfg.auto_scale_lr.base_batch_size == 16
    assert not cfg.auto_scale_lr.enable
    optimiser = dict(cfg.optim_wrapper.optimizer)
    assert optimiser == dict(type='SGD', lr=0.02, momentum=0.9, weight_decay=0.0001)


@pytest.mark.parametrize('name', CONFIGS)
def test_precise_batch_norm(name):
    hooks = [HOOKS.build(hook) for hook in _config(name).custom_hooks]
    assert [hook.num_iters for hook in hooks
            if type(hook).__name__ == 'PreciseBNHook'] == [10 if name.startswith('demo') else 200]


@pytest.mark.parametrize('name', ['voc', '1x', '2x'])
def test_checkpoints_are_counted_in_iterations_and_kept_where_validated(name):
    cfg = _config(name)
    hook = HOOKS.build(cfg.default_hooks.checkpoint)
    assert (hook.by_epoch, hook.max_keep_ckpts) == (False, 3)
    assert hook.interval == cfg.train_cfg.val_interval
    assert cfg.train_cfg.max_iters % cfg.train_cfg.val_interval == 0


@pytest.mark.parametrize('name', CONFIGS)
def test_no_weights_from_the_web(name):
    text = _config(name).pretty_text
    assert 'Pretrained' not in text and '://' not in text
    assert _config(name).pretrained is None
    assert _config(name).runner_type == f'infomin_plugin.{InfoMinRunner.__name__}'
    assert _config(name).default_scope == 'mmdet'


def test_voc_data_and_evaluation():
    cfg = _config('voc')
    assert [d.ann_file for d in cfg.train_dataloader.dataset.datasets] == [
        f'VOC{year}/ImageSets/Main/trainval.txt' for year in (2007, 2012)]
    assert cfg.test_dataloader.dataset.ann_file == 'VOC2007/ImageSets/Main/test.txt'
    # figures: test_voc_ap.py
    assert cfg.val_evaluator == cfg.test_evaluator
    np.testing.assert_allclose(cfg.val_evaluator.iou_thrs, np.arange(0.5, 1, 0.05))


@pytest.mark.parametrize('name', LARGE)
def test_can_be_shrunk_by_options(name):
    """What `tools/train.py CONFIG --cfg-options` is given for one tiny step."""
    cfg = _config(name)
    tiny = [(64, 64)]
    part = 'datasets.0.pipeline' if name == 'voc' else 'pipeline'
    limit = 'max_epochs' if name == 'own' else 'max_iters'
    cfg.merge_from_dict({
        f'train_dataloader.dataset.{part}.2.scales': tiny,
        'test_dataloader.dataset.pipeline.1.scale': tiny[0],
        f'train_cfg.{limit}': 1})
    dataset = cfg.train_dataloader.dataset
    pipeline = dataset.datasets[0].pipeline if name == 'voc' else dataset.pipeline
    assert pipeline[2].scales == tiny and cfg.train_cfg[limit] == 1
