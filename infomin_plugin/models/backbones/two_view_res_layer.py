"""Shared head of C4 detectors on the regions' features of two trunks."""

import torch
from mmcv.cnn import build_norm_layer
from mmdet.models.backbones import ResNet
from mmdet.models.layers import ResLayer
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from infomin_plugin.registry import MODELS

STAGES = 4


@MODELS.register_module()
class TwoViewResLayer(BaseModule):
    """The last stages of two trunks, each on its half of the channels.

    For detectors whose backbone is a :class:`TwoViewBackbone` with ``num_stages=3``; takes the
    place of :class:`ResLayerExtraNorm` (``extra_norm=True``) or of mmdet's ``ResLayer``.

    Args:
        depth (int): Depth of either ResNet.
        base_channels (int): Width of either ResNet's first stage: 32 for half the width.
        stage (int): Index of the stage, 1 to 3. Defaults to 3, res5.
        stride (int): Stride of its first block. Defaults to 2.
        dilation (int): Dilation of its 3×3 convolutions. Defaults to 1.
        style (str): ``'pytorch'`` or ``'caffe'``, see mmdet's ResNet. Defaults to ``'pytorch'``.
        norm_cfg (dict): Norm layers. Defaults to batch norm.
        norm_eval (bool): Whether batch norm stays in evaluation mode. Defaults to True.
        extra_norm (bool): Whether a norm follows the last block, as in
            :class:`ResLayerExtraNorm`. Defaults to True.
        init_cfg (dict, optional): Initialisation config.

    Raises:
        ValueError: If ``depth`` is no ResNet's or ``stage`` none of its stages.
    """

    def __init__(self,
                 depth: int,
                 base_channels: int,
                 stage: int = 3,
                 stride: int = 2,
                 dilation: int = 1,
                 style: str = 'pytorch',
                 norm_cfg: dict | None = None,
                 norm_eval: bool = True,
                 extra_norm: bool = True,
                 init_cfg: dict | list | None = None) -> None:
        if depth not in ResNet.arch_settings:
            raise ValueError(f'depth must be one of {tuple(ResNet.arch_settings)}, got {depth}')
        if stage not in range(1, STAGES):
            raise ValueError(f'stage must be 1, 2 or 3, got {stage}')
        # as in mmdet's ResLayer
        super().__init__(init_cfg or [
            dict(type='Kaiming', layer='Conv2d'),
            dict(type='Constant', val=1, layer=['_BatchNorm', 'GroupNorm'])
        ])
        norm_cfg = norm_cfg or dict(type='BN', requires_grad=True)
        self.norm_eval = norm_eval
        self.layer = f'layer{stage + 1}'
        block, blocks = ResNet.arch_settings[depth]
        planes = base_channels * 2**stage
        self.in_channels = planes // 2 * block.expansion  # of one trunk
        self.trunk1, self.trunk2 = (
            nn.ModuleDict({self.layer: ResLayer(
                block, self.in_channels, planes, blocks[stage], stride=stride,
                dilation=dilation, style=style, norm_cfg=norm_cfg)}) for _ in range(2))
        self.norm = (build_norm_layer(norm_cfg, 2 * planes * block.expansion)[1]
                     if extra_norm else nn.Identity())

    def forward(self, x: Tensor) -> Tensor:
        """Run both trunks' stage, and the norm.

        Args:
            x (Tensor): Features of the regions, float (N, C, H, W), those of view 1 first;
                C = 1024 for two ResNet-50 of half the width.

        Returns:
            Tensor: float (N, 2 C, H / stride, W / stride).
        """
        halves = x.split(self.in_channels, dim=1)
        maps = [trunk[self.layer](half)
                for trunk, half in zip((self.trunk1, self.trunk2), halves, strict=True)]
        return self.norm(torch.cat(maps, dim=1))

    def train(self, mode: bool = True) -> 'TwoViewResLayer':
        """Set the mode, but for batch norm if ``norm_eval``."""
        super().train(mode)
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self
