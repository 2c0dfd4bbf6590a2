"""Gaussian blur, as the two codes do it that the recipes come from."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from infomin_plugin.registry import TRANSFORMS

from . import checks


def gaussian_kernel(sigma: float, size: int) -> np.ndarray:
    """Sample a Gaussian at ``size`` (odd) integer positions: (size,), float64, sum 1.

    Taps beyond 4 sigma are left off: together they hold less than 1e-4 of the sum, a fiftieth of a
    grey level.
    """
    radius = min(size // 2, max(1, math.ceil(4 * sigma)))
    positions = np.arange(-radius, radius + 1)
    kernel = np.exp(-positions**2 / (2 * sigma**2))
    return kernel / kernel.sum()


def box_kernel(sigma: float, passes: int = 3) -> np.ndarray:
    """Convolve ``passes`` extended box filters of together ``sigma``: (odd,), float64, sum 1.

    Pillow's ``ImageFilter.GaussianBlur`` (Gwosdek et al., "Theoretical foundations of Gaussian
    convolution by extended box filtering", 2011): a box of 2l + 1 taps, and a share of a tap at
    either end so that the variance is met.
    """
    variance = sigma**2 / passes
    whole = int((math.sqrt(12 * variance + 1) - 1) / 2)
    share = ((2 * whole + 1) * (whole * (whole + 1) - 3 * variance)
             / (6 * (variance - (whole + 1)**2)))
    box = np.pad(np.ones(2 * whole + 1), 1, constant_values=share)
    kernel = np.ones(1)
    for _ in range(passes):
        kernel = np.convolve(kernel, box / box.sum())
    return kernel


@TRANSFORMS.register_module()
class GaussianBlur(BaseTransform):
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

    def blur(self, img: np.ndarray, sigma: float) -> np.ndarray:
        """Blur an image (H, W, 3), uint8, by ``sigma`` pixels."""
        if self.kernel_size is None:
            kernel, border = box_kernel(sigma), cv2.BORDER_REPLICATE
        else:
            kernel, border = gaussian_kernel(sigma, self.kernel_size), cv2.BORDER_REFLECT_101
        return cv2.sepFilter2D(img, -1, kernel, kernel, borderType=border)

    def transform(self, results: dict) -> dict:
        """Blur ``results['img']``."""
        results['img'] = self.blur(results['img'], np.random.uniform(*self.sigma))
        return results
