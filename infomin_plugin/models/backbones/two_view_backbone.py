"""Two narrow ResNets behind a view generator, in the place of one ResNet."""

from collections.abc import Sequence

import torch
from mmdet.models.backbones import ResNet
from mmengine.model import BaseModule
from torch import Tensor

from infomin_plugin.registry import MODELS

from ..view_norms import VIEW_CHANNELS, ViewNorms

LEVELS = 255


@MODELS.register_module()
class TwoViewBackbone(BaseModule):
    """See an image as two views: a ResNet for each, and their features side by side, by stage.

    The features of contrastive learning from two views (Tian et al. 2020, section 4.2, and
    "Contrastive Multiview Coding", whose ResNets have half the width) for any model of MMDetection.
    Two trunks of half the width have together the channels of one ResNet, at every stage: necks
    take them as they are. The generator, and the norms of the views if there are any, are what
    the trunks were trained with: they never learn, nor do their statistics move.

    ``tools/export_backbone.py`` writes the weights: ``generator.*``, ``view_norms.*``,
    ``trunk1.*`` and ``trunk2.*``.

    Args:
        generator (dict): A :class:`ViewGenerator`; must have the settings of the one whose weights
            are loaded.
        mean (Sequence[float]): Three means, RGB in 0…255, that the detector's preprocessor
            subtracts; undone, as generators take RGB in [0, 1].
        std (Sequence[float]): The standard deviations that it divides by, above 0.
        view_norm (bool | dict): How the views were normalised that the trunks were trained on,
            see :class:`TwoViewEncoder`. Defaults to False.
        init_cfg (dict, optional): ``dict(type='Pretrained', checkpoint=FILE)``; without it the
            trunks start as mmdet's ResNets do.
        **trunk: Arguments of :class:`mmdet.models.backbones.ResNet` for both trunks, such as
            ``depth``, ``base_channels`` (of each: 32 for half the width), ``frozen_stages`` and
            ``norm_eval``; all but ``in_channels``.

    Raises:
        ValueError: If ``mean`` or ``std`` has not three values, a deviation is not positive, or
            ``in_channels`` is given; or if ``view_norm`` does not fit, see :class:`ViewNorms`.
    """

    def __init__(self,
                 generator: dict,
                 mean: Sequence[float],
                 std: Sequence[float],
                 view_norm: bool | dict = False,
                 init_cfg: dict | list | None = None,
                 **trunk) -> None:
        super().__init__(init_cfg)
        if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
            raise ValueError('mean and std need a value for each of R, G and B, std above 0; got '
                             f'mean={mean}, std={std}')
        if 'in_channels' in trunk:
            raise ValueError('in_channels cannot be set: the trunks take views of 1 and 2 '
                             f'channels, got {trunk["in_channels"]}')
        for name, values in (('mean', mean), ('std', std)):
            self.register_buffer(name, torch.tensor(values).view(3, 1, 1) / LEVELS,
                                 persistent=False)
        self.generator = MODELS.build(generator).requires_grad_(False)
        self.view_norms = ViewNorms(view_norm)
        self.trunk1, self.trunk2 = (ResNet(in_channels=channels, **trunk)
                                    for channels in VIEW_CHANNELS)
        self.train()

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute feature maps.

        Args:
            images (Tensor): N×3×H×W, float, RGB as the detector's preprocessor normalises it.

        Returns:
            tuple[Tensor]: A map for each of ``out_indices``, N×C×h×w; the first half of the
            channels comes from view 1, the other from view 2.
        """
        # 0…1, but for rounding and for padding, which is the mean colour as it is to one ResNet
        views = self.generator.views(images * self.std + self.mean)
        first, second = self.view_norms(views)
        return tuple(torch.cat(maps, dim=1)
                     for maps in zip(self.trunk1(first), self.trunk2(second), strict=True))

    def train(self, mode: bool = True) -> 'TwoViewBackbone':
        """Set the trunks' mode; what is in front of them stays as in evaluation."""
        super().train(mode)
        self.generator.eval()
        self.view_norms.eval()
        return self
