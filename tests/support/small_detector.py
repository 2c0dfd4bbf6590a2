"""The demo's detector, and scenes for it, for the tests of precise batch norm."""

from pathlib import Path

import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.utils import register_all_modules
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData
from torch import nn

DETECTOR = Path(__file__).parents[2] / 'configs/demo/faster-rcnn_r18_fpn_voc-form.py'


def small_detector() -> nn.Module:
    """Always the same weights."""
    register_all_modules(init_default_scope=False)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(Config.fromfile(DETECTOR).model)
    model.init_weights()
    return model


def scene(seed: int) -> dict:
    """A batch of one image with one object."""
    sample = DetDataSample(
        metainfo=dict(img_shape=(64, 64), ori_shape=(64, 64), scale_factor=(1., 1.)),
        gt_instances=InstanceData(
            bboxes=torch.tensor([[8., 8., 40., 44.]]), labels=torch.tensor([0])),
        ignored_instances=InstanceData(
            bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.long)))
    image = torch.randint(40 * seed, 256, (3, 64, 64), dtype=torch.uint8,
                          generator=torch.Generator().manual_seed(seed))
    return dict(inputs=[image], data_samples=[sample])
