"""Operations that look at a pixel's neighbours: two Gaussian blurs and sharpening."""

import math

import cv2
import numpy as np

from . import kernels
from .pixels import blend


def gaussian_kernel(sigma: float, size: int) -> np.ndarray:
    """Sample a Gaussian at ``size`` (odd) integer positions: (size,), float64, sum 1.

    Taps beyond 4 sigma are left off: together they hold less than 1e-4 of the sum, a fiftieth of a
    grey level.
    """
    radius = min(size // 2, max(1, math.ceil(4 * sigma)))
    positions = np.arange(-radius, radius + 1)
    kernel = np.exp(-positions**2 / (2 * sigma**2))
    return kernel / kernel.sum()


def gaussian_blur(img: np.ndarray, sigma: float, kernel_size: int) -> np.ndarray:
    """Blur with ``kernel_size`` (odd) taps; the border is reflected without repeating the edge.

    OpenCV's separable filter: it takes the border rule and is as fast as memory allows.
    """
    kernel = gaussian_kernel(sigma, kernel_size)
    return cv2.sepFilter2D(img, -1, kernel, kernel, borderType=cv2.BORDER_REFLECT_101)


def box_radius(sigma: float, passes: int = 3) -> float:
    """Radius of the box filter that has, ``passes`` times over, the variance of a Gaussian.

    A box of radius l + a has 2l + 1 whole taps and a share a of one at either end (Gwosdek et al.,
    "Theoretical foundations of Gaussian convolution by extended box filtering", 2011).
    """
    variance = sigma**2 / passes
    whole = math.floor((math.sqrt(12 * variance + 1) - 1) / 2)
    share = ((2 * whole + 1) * (whole * (whole + 1) - 3 * variance)
             / (6 * (variance - (whole + 1)**2)))
    return whole + share


def box_weights(radius: float) -> tuple[int, int]:
    """Weights of the whole taps and of the two at the ends, with 24 fractional bits."""
    weight = int(np.float32(1 << 24) / (2 * np.float32(radius) + 1))  # Pillow's precision
    return weight, ((1 << 24) - (2 * int(radius) + 1) * weight) // 2


def box_blur(img: np.ndarray, sigma: float) -> np.ndarray:
    """Blur as Pillow's ``ImageFilter.GaussianBlur`` does: three box filters, edges repeated."""
    radius = box_radius(sigma)
    weights = box_weights(radius)
    for _ in range(2):  # columns, then rows
        img = cv2.transpose(img)
        rows = img.reshape(len(img), -1)
        for _ in range(3):
            out = np.empty_like(rows)
            kernels.box_rows(rows, int(radius), *weights, out)
            rows = out
        img = rows.reshape(img.shape)
    return img


def sharpness(img: np.ndarray, factor: float) -> np.ndarray:
    """Blend with a smoothed image: 0 gives that, 1 the image, more sharpens.

    The smoothing is Pillow's ``ImageFilter.SMOOTH``, which leaves the outermost pixels alone.
    """
    kernel = np.ones((3, 3), np.float32)
    kernel[1, 1] = 5
    smooth = cv2.filter2D(img, -1, kernel / kernel.sum())
    for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        smooth[edge] = img[edge]
    return blend(smooth, img, factor)
