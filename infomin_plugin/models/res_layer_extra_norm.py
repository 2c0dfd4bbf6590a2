"""Shared head of C4 detectors: res5 on the regions, followed by one more norm."""

from mmcv.cnn import build_norm_layer
from mmdet.models.roi_heads.shared_heads import ResLayer
from torch import Tensor

from infomin_plugin.registry import MODELS


@MODELS.register_module()
class ResLayerExtraNorm(ResLayer):
    """mmdet's ``ResLayer`` with a norm after its last block.

    Nothing normalises the output of res5 where a C4 detector ends in it; fine-tuning with batch
    norm in training mode adds the layer that is then missing (He et al. 2020, "Momentum Contrast
    for Unsupervised Visual Representation Learning", section 4.2; the setting in which InfoMin's
    transfer to PASCAL VOC is measured). The norm is registered as ``norm`` and belongs to no
    pre-trained checkpoint.

    Args:
        *args: As for :class:`mmdet.models.roi_heads.shared_heads.ResLayer`.
        **kwargs: Likewise; ``norm_cfg`` also describes the extra norm.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        block = getattr(self, f'layer{self.stage + 1}').block
        self.norm = build_norm_layer(self.norm_cfg, 64 * 2**self.stage * block.expansion)[1]

    def forward(self, x: Tensor) -> Tensor:
        """Run res5 and the norm.

        Args:
            x (Tensor): Features of the regions, float (N, C, H, W); C = 1024 for ResNet-50.

        Returns:
            Tensor: float (N, 2 C, H / stride, W / stride) (for bottleneck ResNets).
        """
        return self.norm(super().forward(x))
