"""Trunks of every origin in built detectors, and what place_pretrained refuses."""

import re
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from checkpoint_files import LAYOUTS, WITH_MOMENTUM, random_trunk, torchvision_old
from mmdet.registry import MODELS
from mmdet.utils import register_all_modules
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from torch import nn

from infomin_plugin.checkpoints import CheckpointError, read_trunk
from infomin_plugin.engine.settings.pretrained import place_pretrained, verify_pretrained

C4 = Path(__file__).parents[3] / 'configs/detection/faster-rcnn_r50-c4_8xb2-24k_voc0712.py'
CAFFE_C4 = 'mmdet::pascal_voc/faster-rcnn_r50-caffe-c4_ms-18k_voc0712.py'
FPN = 'mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py'


@pytest.fixture(scope='module', autouse=True)
def mmdet_scope():
    register_all_modules(init_default_scope=False)
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield


@pytest.fixture(scope='module')
def trunks():
    """Query and momentum encoder, ResNet-50."""
    return random_trunk('resnet50', seed=1), random_trunk('resnet50', seed=2)


@pytest.fixture(scope='module')
def work_dir(tmp_path_factory):
    """Where all tests of the module place trunks: built models name the files in it."""
    return tmp_path_factory.mktemp('work_dir')


def c4_config(**pretrained):
    """Our Faster R-CNN R50-C4 for VOC."""
    cfg = Config.fromfile(C4)
    cfg.update(pretrained)
    return cfg


def fpn_config(**pretrained):
    """MMDetection's stock Mask R-CNN, untouched."""
    cfg = get_config(FPN)
    cfg.update(pretrained)
    return cfg


@pytest.fixture(scope='module')
def models(trunks, work_dir):
    """Detectors built from placed configs, not yet initialised; copy before use."""
    torch.save(random_trunk('resnet50'), work_dir / 'any.pth')
    built = {}
    for config in (c4_config, fpn_config):
        cfg = config(pretrained=str(work_dir / 'any.pth'), work_dir=str(work_dir))
        place_pretrained(cfg)
        built[config] = MODELS.build(cfg.model)
    return built


def assert_holds(model, trunk, but=()):
    """Every tensor of the trunk is in the backbone or, failing that, in the shared head."""
    state = model.state_dict()
    for key, tensor in trunk.items():
        if key.endswith(but):
            continue
        where = f'backbone.{key}'
        if where not in state:
            where = f'roi_head.shared_head.{key}'
        assert torch.equal(state[where], tensor), where


@pytest.mark.parametrize('config', [c4_config, fpn_config])
@pytest.mark.parametrize('layout', LAYOUTS)
def test_detectors_hold_the_trunk_of_every_origin(layout, config, trunks, models, work_dir):
    torch.save(layout(*trunks), work_dir / 'file.pth')
    cfg = config(pretrained=str(work_dir / 'file.pth'), work_dir=str(work_dir))
    trunk = place_pretrained(cfg)
    model = deepcopy(models[config])
    assert model.backbone.init_cfg == cfg.model.backbone.init_cfg
    assert str(verify_pretrained(model, trunk)).startswith(
        'pretrained trunk: 318 loaded / 0 missing / 0 unexpected / 0 shape-mismatched tensors')
    with pytest.raises(CheckpointError, match='does not hold them'):
        verify_pretrained(model, trunk, values=True)

    model.init_weights()
    assert_holds(model, trunks[0], ('num_batches_tracked', ) if layout is torchvision_old else ())
    verify_pretrained(model, trunk, values=True)


@pytest.mark.parametrize('layout', WITH_MOMENTUM)
def test_detector_holds_the_momentum_encoder(layout, trunks, models, work_dir):
    torch.save(layout(*trunks), work_dir / 'file.pth')
    place_pretrained(c4_config(pretrained=str(work_dir / 'file.pth'), pretrained_from='momentum',
                               work_dir=str(work_dir)))
    model = deepcopy(models[c4_config])
    model.init_weights()
    assert_holds(model, trunks[1])


def test_mmengine_finds_nothing_unexpected(trunks, models, work_dir, caplog):
    """No part is given tensors of another one: its warnings would hide true ones."""
    torch.save(trunks[0], work_dir / 'file.pth')
    place_pretrained(c4_config(pretrained=str(work_dir / 'file.pth'), work_dir=str(work_dir)))
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    try:
        deepcopy(models[c4_config]).init_weights()
    finally:
        logger.removeHandler(caplog.handler)
    assert 'load model from' in caplog.text
    assert 'unexpected key' not in caplog.text
    # the extra norm after the last stage, which no checkpoint has
    missing = re.findall(r'missing keys in source state_dict: (.*)', caplog.text)
    assert missing == ['norm.weight, norm.bias, norm.running_mean, norm.running_var']


def test_extra_norm_after_the_last_stage_is_not_missing(trunks, models, work_dir):
    torch.save(trunks[0], work_dir / 'file.pth')
    model = models[c4_config]
    assert 'roi_head.shared_head.norm.weight' in model.state_dict()
    assert verify_pretrained(model, read_trunk(work_dir / 'file.pth')).whole


def test_narrow_basic_block_trunk(tmp_path):
    """The demo's encoder: mmselfsup's ResNet-18 of a quarter of the width into mmdet's."""
    from mmselfsup.models import ResNet
    backbone = dict(depth=18, base_channels=16, stem_channels=16)
    state = ResNet(**backbone).state_dict()
    for tensor in state.values():
        if tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5)
    torch.save(dict(state_dict={f'backbone.{key}': value for key, value in state.items()}),
               tmp_path / 'small.pth')
    cfg = Config(dict(model=dict(backbone=dict(type='ResNet', **backbone)),
                      pretrained=str(tmp_path / 'small.pth'), work_dir=str(tmp_path / 'new')))
    trunk = place_pretrained(cfg)
    assert str(trunk.architecture) == 'resnet18_base16'
    model = nn.Module()
    model.backbone = MODELS.build(cfg.model.backbone)
    model.backbone.init_weights()
    assert_holds(model, state)
    assert len(verify_pretrained(model, trunk, values=True).loaded) == len(state)


# --- other settings of `pretrained`


def test_none_leaves_the_config_as_written():
    for extra in ({}, dict(pretrained=None)):
        cfg = fpn_config(**extra)
        written = cfg.pretty_text
        assert place_pretrained(cfg) is None
        assert cfg.pretty_text == written


def test_random_drops_the_weights_that_a_config_names():
    for name in (CAFFE_C4, FPN):
        cfg = get_config(name)
        cfg.pretrained = 'random'
        assert 'Pretrained' in str(cfg.model.backbone.init_cfg)
        assert place_pretrained(cfg) is None
        assert 'Pretrained' not in cfg.pretty_text
    kaiming = dict(type='Kaiming', layer='Conv2d')
    backbone = dict(type='ResNet', depth=18, init_cfg=[kaiming, dict(type='Pretrained')])
    cfg = Config(dict(model=dict(backbone=backbone), pretrained='random'))
    place_pretrained(cfg)
    assert cfg.model.backbone.init_cfg == [kaiming]


# --- what cannot be placed


@pytest.fixture(scope='module')
def small_file(tmp_path_factory):
    """Checkpoint of a ResNet-18."""
    path = tmp_path_factory.mktemp('small') / 'r18.pth'
    torch.save(random_trunk('resnet18'), path)
    return str(path)


def test_another_depth_is_refused_before_building(small_file, tmp_path):
    cfg = c4_config(pretrained=small_file, work_dir=str(tmp_path))
    with pytest.raises(CheckpointError,
                       match=r'r18.pth is a checkpoint of ResNet-18 .* model is ResNet-50'):
        place_pretrained(cfg)
    assert not list(tmp_path.iterdir())


def test_another_depth_of_the_shared_head_alone_is_refused(trunks, work_dir):
    torch.save(trunks[0], work_dir / 'file.pth')
    cfg = c4_config(pretrained=str(work_dir / 'file.pth'), work_dir=str(work_dir))
    cfg.model.roi_head.shared_head.depth = 101
    with pytest.raises(CheckpointError, match='ResLayerExtraNorm of the model is ResNet-101'):
        place_pretrained(cfg)


def test_another_width_is_refused(small_file, tmp_path):
    backbone = dict(type='ResNet', depth=18, base_channels=16)
    cfg = Config(dict(model=dict(backbone=backbone), pretrained=small_file,
                      work_dir=str(tmp_path)))
    with pytest.raises(CheckpointError, match='64 base channels.*ResNet-18 with 16'):
        place_pretrained(cfg)


@pytest.mark.parametrize('change', [
    dict(num_stages=3, strides=(1, 2, 2), dilations=(1, 1, 1), out_indices=(2, )),
    dict(deep_stem=True),
    dict(norm_cfg=dict(type='GN', num_groups=2)),
    dict(stem_channels=32),
])
def test_model_that_takes_less_than_the_trunk_is_refused(change, small_file):
    model = nn.Module()
    model.backbone = MODELS.build(dict(type='ResNet', depth=18, **change))
    with pytest.raises(CheckpointError, match='the checkpoint is of resnet18, the model is'):
        verify_pretrained(model, read_trunk(small_file))


def test_last_stage_in_backbone_and_shared_head_is_refused(models, trunks, work_dir):
    torch.save(trunks[0], work_dir / 'file.pth')
    model = nn.Module()
    model.backbone, model.roi_head = models[fpn_config].backbone, models[c4_config].roi_head
    with pytest.raises(CheckpointError, match='in both the backbone and the shared head'):
        verify_pretrained(model, read_trunk(work_dir / 'file.pth'))


def test_stride_in_the_first_convolution_is_refused(small_file):
    """Same names and shapes, but other weights would be right: nothing else would notice."""
    cfg = get_config(CAFFE_C4)
    cfg.update(pretrained=small_file, work_dir='unused')
    with pytest.raises(ValueError, match="ResNet has style='caffe'.*set style='pytorch'"):
        place_pretrained(cfg)


def test_weights_over_the_trunk_are_refused(small_file):
    backbone = dict(type='ResNet', depth=18)
    over = dict(type='Pretrained', checkpoint='detector.pth')
    for model in (dict(backbone=backbone, init_cfg=over),
                  dict(backbone=backbone, roi_head=dict(init_cfg=[over]))):
        cfg = Config(dict(model=model, pretrained=small_file, work_dir='unused'))
        with pytest.raises(ValueError, match='init_cfg loads weights over the pretrained trunk'):
            place_pretrained(cfg)


def test_missing_pieces_of_a_config(small_file, tmp_path):
    backbone = dict(type='ResNet', depth=18)
    with pytest.raises(ValueError, match='work_dir is not set'):
        place_pretrained(Config(dict(model=dict(backbone=backbone), pretrained=small_file)))
    with pytest.raises(ValueError, match='has no backbone'):
        place_pretrained(Config(dict(model=dict(type='DETR'), pretrained=small_file)))
    with pytest.raises(ValueError, match="'query' or 'momentum', got 'key'"):
        place_pretrained(Config(dict(model=dict(backbone=backbone), pretrained=small_file,
                                     pretrained_from='key', work_dir=str(tmp_path))))
    with pytest.raises(FileNotFoundError, match='nowhere.pth'):
        place_pretrained(Config(dict(model=dict(backbone=backbone), pretrained='nowhere.pth',
                                     work_dir=str(tmp_path))))
