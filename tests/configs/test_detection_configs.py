"""The detectors of the configs, read off what is built (Tian et al. 2020, transfer).

Schedules, data and evaluation: test_detection_schedules.py.
"""

from copy import deepcopy
from functools import cache
from pathlib import Path

import pytest
import torch
from mmdet.models.losses import L1Loss
from mmdet.registry import MODELS
from mmdet.utils import register_all_modules
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torchvision.models.resnet import Bottleneck, ResNet

from infomin_plugin.checkpoints import Trunk, find_architecture
from infomin_plugin.engine.settings.pretrained import verify_pretrained
from infomin_plugin.models import ResLayerExtraNorm

ROOT = Path(__file__).parents[2]
# One config a detector: those of other schedules have the same, see the other file.
DETECTORS = {
    'voc': 'faster-rcnn_r50-c4_8xb2-24k_voc0712',
    'r50-c4': 'mask-rcnn_r50-c4_8xb2-1x_coco',
    'r101-c4': 'mask-rcnn_r101-c4_8xb2-1x_coco',
    'r50': 'mask-rcnn_r50_fpn_8xb2-1x_coco',
    'r101': 'mask-rcnn_r101_fpn_8xb2-1x_coco',
    'cascade': 'cascade-mask-rcnn_r101_fpn_8xb2-1x_coco',
    'x101': 'mask-rcnn_x101-32x8d_fpn_8xb2-1x_coco',
    'x152': 'mask-rcnn_x152-32x8d_fpn_8xb2-1x_coco',
}
C4, FPN = ('voc', 'r50-c4', 'r101-c4'), ('r50', 'r101', 'cascade', 'x101', 'x152')
TWO_VIEW = {
    'faster-rcnn_two-view-r50-c4_8xb2-24k_voc0712': 'voc',
    'mask-rcnn_two-view-r50_fpn_8xb2-1x_coco': 'r50',
}
SMALL = ('faster-rcnn_r18_fpn_voc-form', 'mask-rcnn_r18_fpn_coco-form')
BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}  # He et al. 2016, table 1


@pytest.fixture(autouse=True)
def _mmdet_scope():
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield


@cache
def _config(name: str) -> Config:
    return Config.fromfile(next(ROOT.glob(f'configs/d*/{DETECTORS.get(name, name)}.py')))


@pytest.fixture(scope='module')
def models() -> dict[str, nn.Module]:
    """Built detectors in full size, without memory for their weights."""
    register_all_modules(init_default_scope=False)
    with DefaultScope.overwrite_default_scope('mmdet'), torch.device('meta'):
        return {name: MODELS.build(deepcopy(_config(name).model))
                for name in (*DETECTORS, *TWO_VIEW, *SMALL)}


def _norms(module: nn.Module) -> list[nn.Module]:
    """All norm layers but those of the views, which belong to a frozen generator."""
    return [m for key, m in module.named_modules()
            if isinstance(m, _BatchNorm | nn.GroupNorm) and 'view_norms' not in key]


@pytest.mark.parametrize('name', [*DETECTORS, *TWO_VIEW, *SMALL])
def test_nothing_is_frozen(models, name):
    model = models[name].train()
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert all(norm.training and norm.track_running_stats for norm in _norms(model))


@pytest.mark.parametrize('name, depth, parts', [
    # res5, with a shortcut, and the extra norm
    ('voc', 50, {'roi_head.shared_head': 11}),
    ('r50-c4', 50, {'roi_head.shared_head': 11}),
    ('r101-c4', 101, {'roi_head.shared_head': 11}),
    ('r50', 50, {'neck': 8, 'roi_head.bbox_head': 4, 'roi_head.mask_head': 4}),
    ('r101', 101, {'neck': 8, 'roi_head.bbox_head': 4, 'roi_head.mask_head': 4}),
    ('cascade', 101, {'neck': 8, 'roi_head.bbox_head': 12, 'roi_head.mask_head': 12}),
    ('x101', 101, {'neck': 8, 'roi_head.bbox_head': 4, 'roi_head.mask_head': 4}),
    ('x152', 152, {'neck': 8, 'roi_head.bbox_head': 4, 'roi_head.mask_head': 4}),
])
def test_batch_norm_is_synchronised_everywhere(models, name, depth, parts):
    stages = BLOCKS[depth][:3] if name in C4 else BLOCKS[depth]
    parts = {'backbone': 1 + sum(3 * blocks + 1 for blocks in stages)} | parts
    assert {part: len(_norms(models[name].get_submodule(part))) for part in parts} == parts
    norms = _norms(models[name])
    assert len(norms) == sum(parts.values())
    assert all(isinstance(norm, nn.SyncBatchNorm) for norm in norms)


@pytest.mark.parametrize('name, blocks, grouping', [
    ('voc', BLOCKS[50], {}), ('r50-c4', BLOCKS[50], {}), ('r101-c4', BLOCKS[101], {}),
    ('r50', BLOCKS[50], {}), ('r101', BLOCKS[101], {}), ('cascade', BLOCKS[101], {}),
    ('x101', BLOCKS[101], dict(groups=32, width_per_group=8)),
    ('x152', BLOCKS[152], dict(groups=32, width_per_group=8)),
])
def test_takes_the_whole_trunk_of_torchvisions_network(models, name, blocks, grouping):
    with torch.device('meta'):
        theirs = ResNet(Bottleneck, list(blocks), **grouping)
    state = {key: value for key, value in theirs.state_dict().items() if key[:3] != 'fc.'}
    trunk = Trunk(state, find_architecture(state), 'torchvision', Path('none'))
    assert len(verify_pretrained(models[name], trunk).loaded) == len(state)
    # the stride lies in the 3×3
    strides = {key: conv.stride for key, conv in theirs.named_modules()
               if isinstance(conv, nn.Conv2d)}
    parts = [models[name].backbone] + ([models[name].roi_head.shared_head] if name in C4 else [])
    ours = {key: conv.stride for part in parts for key, conv in part.named_modules()
            if isinstance(conv, nn.Conv2d)}
    assert ours == strides


@pytest.mark.parametrize('name', C4)
def test_c4_heads(models, name):
    head = models[name].roi_head
    assert type(head.shared_head) is ResLayerExtraNorm
    assert head.shared_head.norm.num_features == 2048
    assert head.bbox_head.fc_cls.in_features == 2048
    assert head.bbox_head.fc_cls.out_features == (20 if name == 'voc' else 80) + 1
    assert head.with_mask == (name != 'voc')


def test_mask_head_behind_res5_is_mmdets(models):
    with torch.device('meta'):
        theirs = MODELS.build(
            get_config('mmdet::mask_rcnn/mask-rcnn_r50-caffe-c4_1x_coco.py').model)
    ours = models['r50-c4']
    assert {key: value.shape for key, value in theirs.state_dict().items()} == {
        key: value.shape for key, value in ours.state_dict().items()
        if '.shared_head.norm.' not in key}
    assert ours.roi_head.share_roi_extractor and theirs.roi_head.share_roi_extractor
    assert ours.train_cfg.rcnn == theirs.train_cfg.rcnn
    assert ours.test_cfg == theirs.test_cfg


@pytest.mark.parametrize('name', FPN)
def test_fpn_heads(models, name):
    head = models[name].roi_head
    boxes, masks = ([getattr(head, kind)] if name != 'cascade' else list(getattr(head, kind))
                    for kind in ('bbox_head', 'mask_head'))
    assert len(boxes) == len(masks) == (3 if name == 'cascade' else 1)
    for box in boxes:
        assert (len(box.shared_convs), len(box.shared_fcs)) == (4, 1)
        assert box.fc_cls.out_features == 80 + 1
        assert box.fc_reg.out_features == (4 if name == 'cascade' else 4 * 80)
        assert type(box.loss_bbox) is L1Loss
    assert type(models[name].rpn_head.loss_bbox) is L1Loss
    for mask in masks:
        assert len(mask.convs) == 4


def test_stages_of_the_cascade(models):
    """Cai & Vasconcelos 2018: rising thresholds, finer deltas."""
    model = models['cascade']
    assert [(a.pos_iou_thr, a.neg_iou_thr) for a in model.roi_head.bbox_assigner] == [
        (0.5, 0.5), (0.6, 0.6), (0.7, 0.7)]
    for head, weights in zip(model.roi_head.bbox_head, ((10, 5), (20, 10), (30, 15)), strict=True):
        x, y, w, h = head.bbox_coder.stds
        assert (1 / x, 1 / w) == pytest.approx(weights) and (x, w) == (y, h)


@pytest.mark.parametrize('name', DETECTORS)
def test_proposals(models, name):
    model = models[name]
    train = model.train_cfg.rpn_proposal
    found = (train.nms_pre, train.max_per_img), (
        model.rpn_head.test_cfg.nms_pre, model.rpn_head.test_cfg.max_per_img)
    assert found == (((12000, 2000), (6000, 1000)) if name in C4 else
                     ((2000, 2000 if name == 'cascade' else 1000), (1000, 1000)))
    assert model.train_cfg.rpn.allowed_border == -1  # no anchor is left out


@pytest.mark.parametrize('name', [*DETECTORS, *SMALL])
def test_pixels_are_normalised_as_rgb(name):
    preprocessor = MODELS.build(_config(name).model.data_preprocessor)
    bgr = torch.tensor([0, 128, 255], dtype=torch.uint8).view(3, 1, 1).expand(3, 32, 32)
    out = preprocessor(dict(inputs=[bgr]), training=False)['inputs']
    expected = [(255 - 123.675) / 58.395, (128 - 116.28) / 57.12, (0 - 103.53) / 57.375]
    torch.testing.assert_close(out[0, :, 0, 0], torch.tensor(expected))
    assert preprocessor.pad_mask == ('mask' in _config(name).filename)


@pytest.mark.parametrize('name', ['voc', 'cascade'])
def test_norms_do_not_decay(models, name):
    """Detectron2's default (SOLVER.WEIGHT_DECAY_NORM)."""
    model = models[name]
    wrapper = build_optim_wrapper(model, _config(name).optim_wrapper)
    norms = {id(p) for norm in _norms(model) for p in norm.parameters()}
    decays = {id(p): group['weight_decay'] for group in wrapper.optimizer.param_groups
              for p in group['params']}
    assert decays == {id(p): 0. if id(p) in norms else 1e-4 for p in model.parameters()}
    assert {group['lr'] for group in wrapper.optimizer.param_groups} == {0.02}


def test_synchronised_norms_can_be_reverted_for_one_process():
    model = revert_sync_batchnorm(MODELS.build(deepcopy(_config('voc').model)))
    assert not any(isinstance(module, nn.SyncBatchNorm) for module in model.modules())


# --- two views, and the demo's


@pytest.mark.parametrize('name', [*TWO_VIEW, 'mask-rcnn_two-view-r18_fpn_coco-form'])
def test_two_views_change_the_trunk_and_nothing_else(name):
    ours, plain = deepcopy([_config(name), _config(TWO_VIEW.get(name, SMALL[1]))])
    for cfg in (ours, plain):
        cfg.pop('trunk_channels', None)
        cfg.pop('ydbdr_norm', None)
        del cfg.model.backbone
        cfg.model.pop('neck', None)
        cfg.model.roi_head.pop('shared_head', None)
    assert ours.to_dict() == plain.to_dict()


@pytest.mark.parametrize('name', TWO_VIEW)
def test_two_trunks_are_half_as_wide_and_as_the_plain_one_otherwise(name, models):
    ours, theirs = models[name], models[TWO_VIEW[name]].backbone.state_dict()
    for trunk in (ours.backbone.trunk1, ours.backbone.trunk2):
        for key, tensor in trunk.state_dict().items():
            if tensor.ndim:
                share = 1 if key.startswith(('conv1.', 'bn1.')) else 2  # the stem is whole
                assert tensor.shape[0] * share == theirs[key].shape[0], key
    settings = _config(name).model.backbone
    assert settings.mean == [123.675, 116.28, 103.53] and settings.std == [58.395, 57.12, 57.375]
    assert all(isinstance(norm, nn.SyncBatchNorm) for norm in _norms(ours))
    if TWO_VIEW[name] == 'voc':
        assert ours.roi_head.shared_head.norm.num_features == 2048


@pytest.mark.parametrize('name', SMALL)
def test_small_detectors_need_no_gpu(models, name):
    assert not any(isinstance(module, nn.SyncBatchNorm) for module in models[name].modules())
    assert sum(p.numel() for p in models[name].backbone.parameters()) < 1e6


def test_small_detectors_differ_in_the_mask_head_only(models):
    faster, mask = (models[name].state_dict() for name in SMALL)
    assert {k: v.shape for k, v in faster.items()} == {
        k: v.shape for k, v in mask.items() if '.mask_head.' not in k}
