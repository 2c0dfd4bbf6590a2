"""Gaussian blur of random width, as the two codes do it that the recipes come from."""

from collections.abc import Sequence

import numpy as np

from infomin_plugin.registry import TRANSFORMS

from . import checks
from .changes import Change, RandomTransform


@TRANSFORMS.register_module()
class GaussianBlur(RandomTransform):
    """Blur with a Gaussian of random width.

    Required and modified key: img ((H, W, 3), uint8).

    Args:
        sigma: Range of the standard deviation in pixels, drawn uniformly.
        kernel_size: Number of taps, odd, with the border reflected (without repeating the edge):
            the blur of SimCLR and of the InfoMin authors' code. None is Pillow's ``GaussianBlur``,
            that of MoCo v2: box filters, with the edge repeated.
    """

    def __init__(self, sigma: Sequence[float] = (0.1, 2.0), kernel_size: int | None = None) -> None:
        self.sigma = checks.interval('sigma', sigma, 0)
        if self.sigma[0] == 0:
            raise ValueError(f'sigma must be above 0, got {sigma!r}')
        if kernel_size is not None and checks.count('kernel_size', kernel_size) % 2 == 0:
            raise ValueError(f'kernel_size must be odd, got {kernel_size}')
        self.kernel_size = kernel_size

    def draw(self, shape: tuple[int, int], random=np.random) -> list[Change]:
        """Draw the width."""
        sigma = random.uniform(*self.sigma)
        if self.kernel_size is None:
            return [Change('box_blur', (sigma, ))]
        return [Change('gaussian_blur', (sigma, self.kernel_size))]
