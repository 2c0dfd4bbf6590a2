"""Low and high spatial frequencies of an image as its two views."""

from functools import lru_cache

import torch
from mmengine.model import BaseModule
from torch import Tensor

from infomin_plugin.registry import MODELS

from .base import as_images


@MODELS.register_module()
class FrequencySplit(BaseModule):
    """View 1 is a Gaussian blur of the image, view 2 what it takes away; their sum is the image.

    Tian et al. 2020, appendix ("frequency separation"). The larger sigma, the less view 1 keeps.

    Args:
        sigma (float): Standard deviation of the Gaussian in pixels, not negative; 0 leaves all to
            view 1, infinity its mean colour alone.
        init_cfg (dict, optional): Initialisation config; there are no weights.

    Raises:
        ValueError: If sigma is negative.
    """

    def __init__(self, sigma: float, init_cfg: dict | list | None = None) -> None:
        super().__init__(init_cfg)
        if not sigma >= 0:
            raise ValueError(f'sigma must be 0 or more, got {sigma}')
        self.sigma = float(sigma)

    def views(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Split N×3×H×W images, RGB in [0, 1].

        Returns:
            tuple[Tensor, Tensor]: The low frequencies, N×3×H×W within the image's range, and the
            high ones, N×3×H×W within ±1.
        """
        images = as_images(images)
        rows, columns = (_blur_matrix(side, self.sigma).to(images) for side in images.shape[2:])
        low = rows @ images @ columns.t()
        return low, images - low


@lru_cache(maxsize=16)
def _blur_matrix(side: int, sigma: float) -> Tensor:
    """Gaussian blur along one axis, the border mirrored: side×side, float64.

    Mirrored (edge pixels repeated), a Gaussian scales each cosine of the DCT-II by the Gaussian's
    Fourier transform. So it is exact for any sigma, however far it reaches beyond the image.
    """
    frequencies = torch.arange(side, dtype=torch.double) * torch.pi / side  # radians a pixel
    middles = torch.arange(side, dtype=torch.double) + 0.5
    cosines = torch.cos(frequencies[:, None] * middles) * (2 / side)**0.5
    cosines[0] /= 2**0.5  # rows are orthonormal
    # without 0 times infinity at the mean, which every Gaussian keeps
    gains = torch.ones(side, dtype=torch.double)
    gains[1:] = torch.exp(-(sigma * frequencies[1:])**2 / 2)
    return cosines.t() @ (gains[:, None] * cosines)
