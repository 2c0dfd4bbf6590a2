"""Operations on batches that look at a pixel's neighbours: two Gaussian blurs and sharpening."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..operations.filters import box_radius, box_weights, gaussian_kernel
from .pixels import blend, to_levels

ROWS, COLUMNS = 2, 3  # dimensions of a batch


def _repeat_edge(at: np.ndarray, size: int) -> np.ndarray:
    return at.clip(0, size - 1)


def _reflect(at: np.ndarray, size: int) -> np.ndarray:
    """Reflect positions at the outermost pixels, as often as it takes in a small image."""
    period = max(2 * (size - 1), 1)
    at = at % period
    return np.minimum(at, period - at)


def _stack(kernels: Sequence[np.ndarray]) -> np.ndarray:
    """Stack kernels of different odd sizes, centred: (N, largest), float32."""
    radius = max(len(kernel) for kernel in kernels) // 2
    stacked = np.zeros((len(kernels), 2 * radius + 1), np.float32)
    for row, kernel in zip(stacked, kernels, strict=True):
        row[radius - len(kernel) // 2:radius + len(kernel) // 2 + 1] = kernel
    return stacked


def _correlate(images: Tensor, kernels: Tensor, axis: int,
               border: Callable[[np.ndarray, int], np.ndarray]) -> Tensor:
    """Weigh each pixel's neighbours along rows or columns, by a kernel for each sample.

    Args:
        images: (N, C, H, W), float32.
        kernels: (N, taps), float32, taps odd.
        axis: ``ROWS`` or ``COLUMNS``: which index of a pixel changes.
        border: From positions, some of them outside, and the size to positions inside.
    """
    radius, size = kernels.shape[1] // 2, images.shape[axis]
    at = torch.from_numpy(border(np.arange(-radius, size + radius), size))
    padded = images.index_select(axis, at.to(images.device, non_blocking=True))
    kernels = kernels[:, None, :, None] if axis == ROWS else kernels[:, None, None, :]
    # Samples as channels, each with a kernel of its own, and channels as a batch: twice as fast as
    # a group for each channel of each sample.
    return F.conv2d(padded.transpose(0, 1), kernels, groups=len(images)).transpose(0, 1)


def gaussian_blur(images: Tensor, sigma: np.ndarray, kernel_size: np.ndarray) -> Tensor:
    """Blur with ``kernel_size`` (odd) taps; the border is reflected without repeating the edge."""
    kernels = torch.from_numpy(_stack(list(map(gaussian_kernel, sigma, kernel_size))))
    kernels = kernels.to(images.device, non_blocking=True)
    blurred = images.float()
    for axis in (ROWS, COLUMNS):
        blurred = _correlate(blurred, kernels, axis, _reflect)
    return to_levels(blurred + 0.5).contiguous()


def _box_kernel(sigma: float) -> np.ndarray:
    radius = box_radius(sigma)
    weight, far_weight = box_weights(radius)
    return np.array([far_weight, *[weight] * (2 * int(radius) + 1), far_weight]) / (1 << 24)


def box_blur(images: Tensor, sigma: np.ndarray) -> Tensor:
    """Blur as Pillow's ``ImageFilter.GaussianBlur`` does: three box filters, edges repeated.

    Single precision instead of Pillow's whole numbers: where a sum is within 1e-4 of a half it may
    be rounded to the other side.
    """
    kernels = torch.from_numpy(_stack(list(map(_box_kernel, sigma))))
    kernels = kernels.to(images.device, non_blocking=True)
    blurred = images.float()
    for axis in (COLUMNS, ROWS):
        for _ in range(3):
            blurred = (_correlate(blurred, kernels, axis, _repeat_edge) + 0.5).floor_()
    return to_levels(blurred).contiguous()


def sharpness(images: Tensor, factor: np.ndarray) -> Tensor:
    """Blend with smoothed images: 0 gives those, 1 the images, more sharpens.

    The smoothing is Pillow's ``ImageFilter.SMOOTH``, which leaves the outermost pixels alone.
    """
    smooth = images.float()
    rows = smooth[:, :, :-2] + smooth[:, :, 1:-1] + smooth[:, :, 2:]
    squares = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]
    inner = smooth[:, :, 1:-1, 1:-1]
    inner.copy_(((squares + 4 * inner) / 13 + 0.5).floor_())
    return blend(smooth, images, factor)
