"""Nine patches of an image to one embedding (Misra & van der Maaten 2020, section 3)."""

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from infomin_plugin.registry import MODELS


@MODELS.register_module()
class JigsawNeck(BaseModule):
    """Embed each patch, concatenate an image's patches in random order, project.

    The order is drawn anew for each image, so that the embedding cannot rely on it.

    Args:
        patch_neck (dict): Config of the neck for one patch, such as ``mmselfsup.MoCoV2Neck``:
            list of one feature map to list of one (N·P)×C matrix.
        channels (int): Size C of a patch's embedding and of the image's embedding.
        num_patches (int): Patches an image P. Defaults to 9, a 3×3 grid.
        init_cfg (dict, optional): Initialisation config.
    """

    def __init__(self,
                 patch_neck: dict,
                 channels: int,
                 num_patches: int = 9,
                 init_cfg: dict | list | None = None) -> None:
        super().__init__(init_cfg)
        self.num_patches = num_patches
        self.patch_neck = MODELS.build(patch_neck)
        self.projection = nn.Linear(num_patches * channels, channels)

    def forward(self, feature_maps: tuple[Tensor, ...]) -> list[Tensor]:
        """Project the trunk's output.

        Args:
            feature_maps (tuple[Tensor]): One (N·P)×F×h×w map; an image's patches lie side by side.

        Returns:
            list[Tensor]: One N×C embedding, not normalised.
        """
        patches = self.patch_neck(feature_maps)[0]  # (N·P)×C
        patches = patches.unflatten(0, (-1, self.num_patches))  # N×P×C
        # argsort of uniform numbers is a uniform permutation, one a row
        order = torch.rand(patches.shape[:2], device=patches.device).argsort(dim=1)  # N×P
        shuffled = patches.gather(1, order.unsqueeze(-1).expand_as(patches))  # N×P×C
        return [self.projection(shuffled.flatten(1))]  # N×C
