"""Two trunks and their generator in detectors: placed by one setting, fitting FPN and C4 heads."""

from pathlib import Path

import pytest
import torch
from checkpoint_files import random_trunk
from mmdet.registry import MODELS
from mmdet.testing import demo_mm_inputs
from mmdet.utils import register_all_modules
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from two_view_models import FLOW, contrast_config, shuffled

from infomin_plugin.checkpoints import CheckpointError, read_trunk, write_backbone
from infomin_plugin.engine.settings.pretrained import place_pretrained, verify_pretrained
from infomin_plugin.registry import MODELS as OWN

CONFIGS = Path(__file__).parents[3] / 'configs'
FPN = CONFIGS / 'detection/mask-rcnn_two-view-r50_fpn_8xb2-1x_coco.py'
C4 = CONFIGS / 'detection/faster-rcnn_two-view-r50-c4_8xb2-24k_voc0712.py'
DEMO = CONFIGS / 'demo/mask-rcnn_two-view-r18_fpn_coco-form.py'


@pytest.fixture(scope='module', autouse=True)
def mmdet_scope():
    register_all_modules(init_default_scope=False)
    init_default_scope('mmdet')


def small(file, base=4):
    """One of the configs on trunks of ResNet-18, with heads to match."""
    cfg = Config.fromfile(file)
    cfg.model.backbone.update(depth=18, base_channels=base, stem_channels=base)
    if file == C4:
        cfg.merge_from_dict({
            'model.roi_head.shared_head.depth': 18,
            'model.roi_head.shared_head.base_channels': base,
            'model.rpn_head.in_channels': 8 * base,
            'model.roi_head.bbox_roi_extractor.out_channels': 8 * base,
            'model.roi_head.bbox_head.in_channels': 16 * base})
    else:
        cfg.model.neck.in_channels = [2 * base * 2**stage for stage in range(4)]
    for name in ('bbox_head', 'mask_head'):
        if name in cfg.model.roi_head:
            cfg.model.roi_head[name].num_classes = 3
    return cfg


@pytest.fixture(params=[True, dict(mean=[0.4, -0.1, 0.25], std=[0.5, 2.0, 0.125])],
                ids=['batch', 'fixed'])
def contrast(request, tmp_path):
    """A training checkpoint of a learned generator and two ResNet-18, and its model."""
    init_default_scope('infomin_plugin')
    model = shuffled(OWN.build(contrast_config(view_norm=request.param)))
    init_default_scope('mmdet')
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'contrast.pth')
    return tmp_path / 'contrast.pth', model


@pytest.mark.parametrize('exported', [False, True], ids=['training', 'exported'])
@pytest.mark.parametrize('file', [FPN, C4, DEMO], ids=lambda file: file.stem)
def test_one_setting_places_generator_norms_and_trunks(file, exported, contrast, tmp_path):
    path, source = contrast
    if exported:
        write_backbone(tmp_path / 'out.pth', read_trunk(path))
        path = tmp_path / 'out.pth'
    cfg = small(file)
    cfg.update(pretrained=str(path), work_dir=str(tmp_path / 'work'))
    assert cfg.model.backbone.generator.type == 'infomin_plugin.ColorSpaceGenerator'
    trunk = place_pretrained(cfg)
    assert cfg.model.backbone.generator == FLOW | dict(
        type='infomin_plugin.FlowGenerator', channels=[[0], [1, 2]])
    cfg = Config.fromstring(cfg.pretty_text, '.py')  # what is dumped
    model = revert_sync_batchnorm(MODELS.build(cfg.model))
    assert verify_pretrained(model, trunk).whole
    model.init_weights()
    verify_pretrained(model, trunk, values=True)

    state = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    for key, tensor in source.state_dict().items():
        key = key.replace('encoders.encoder1.backbone.', 'backbone.trunk1.').replace(
            'encoders.encoder2.backbone.', 'backbone.trunk2.').replace(
            'encoders.view_norms.', 'backbone.view_norms.')
        if key.startswith('generator.'):
            key = f'backbone.{key}'
        if file == C4 and '.layer4.' in key:
            key = key.replace('backbone.', 'roi_head.shared_head.')
        if key.startswith(('backbone.', 'roi_head.')):
            assert torch.equal(state[key], tensor), key

    # a step of fine-tuning on ordinary images
    batch = demo_mm_inputs(2, [[3, 96, 64], [3, 64, 96]], num_classes=3, with_mask=file != C4)
    wrapper = build_optim_wrapper(model, dict(optimizer=dict(type='SGD', lr=1)))
    model.train()
    log = model.train_step(batch, wrapper)
    assert torch.isfinite(log['loss'])
    after = model.state_dict()
    fixed = ('backbone.generator.', 'backbone.view_norms.')
    learned = ('backbone.trunk', 'roi_head.shared_head.trunk')
    assert {key for key in state if key.startswith(fixed + learned)
            and torch.equal(after[key], state[key])} == {
        key for key in state if key.startswith(fixed)}


def test_a_single_trunk_and_two_are_told_apart(contrast, tmp_path):
    torch.save(random_trunk('resnet18'), tmp_path / 'single.pth')
    cfg = small(DEMO)
    cfg.update(pretrained=str(tmp_path / 'single.pth'), work_dir=str(tmp_path / 'work'))
    with pytest.raises(CheckpointError, match=r'single.pth is a checkpoint of a single trunk '
                       r'\(resnet18\), .*TwoViewBackbone of the model is two trunks'):
        place_pretrained(cfg)
    cfg = Config.fromfile(CONFIGS / 'demo/mask-rcnn_r18_fpn_coco-form.py')
    cfg.update(pretrained=str(contrast[0]), work_dir=str(tmp_path / 'work'))
    with pytest.raises(CheckpointError, match=r'contrast.pth is a checkpoint of two trunks .*'
                       r'\(two-view resnet18_base4\), the ResNet of the model is a single trunk'):
        place_pretrained(cfg)


def test_another_width_is_refused(contrast, tmp_path):
    cfg = small(DEMO, base=8)
    cfg.update(pretrained=str(contrast[0]), work_dir=str(tmp_path / 'work'))
    with pytest.raises(CheckpointError, match='4 base channels, .* ResNet-18 with 8'):
        place_pretrained(cfg)


def test_another_stem_is_refused_by_the_option_that_it_needs(contrast, tmp_path):
    cfg = small(DEMO)
    cfg.model.backbone.stem_channels = 8
    cfg.update(pretrained=str(contrast[0]), work_dir=str(tmp_path / 'work'))
    with pytest.raises(CheckpointError, match=r'first convolution of 4 channels, the .*'
                       r'TwoViewBackbone of the model one of 8: set .*stem_channels=4'):
        place_pretrained(cfg)


def test_a_file_cannot_name_another_class_to_build(contrast, tmp_path):
    from infomin_plugin.checkpoints import pack_settings
    path, model = contrast
    state = model.state_dict()
    state['generator.settings'] = pack_settings(dict(type='mmdet.ResNet', depth=18))
    torch.save(dict(state_dict=state), path)
    cfg = small(DEMO)
    cfg.update(pretrained=str(path), work_dir=str(tmp_path / 'work'))
    with pytest.raises(CheckpointError, match="its type must be one of .*'FlowGenerator'"):
        place_pretrained(cfg)
