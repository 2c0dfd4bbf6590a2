"""Point operations on batches, with Pillow's arithmetic."""

import numpy as np
import torch
from torch import Tensor

from ..operations.pixels import FROM_RGB


def per_sample(values: np.ndarray, images: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Bring N values, or N rows of C, to the device of images (N, C, H, W), to combine with them.

    Returns:
        Tensor: (N, 1, 1, 1) or (N, C, 1, 1).
    """
    values = torch.as_tensor(np.asarray(values), dtype=dtype)
    return values.reshape(len(values), -1, 1, 1).to(images.device, non_blocking=True)


def to_levels(values: Tensor) -> Tensor:
    """Clip to 0..255 and truncate, as Pillow does: float to uint8. Writes to ``values``."""
    return values.clamp_(0, 255).to(torch.uint8)


def blend(start: Tensor, images: Tensor, factor: np.ndarray) -> Tensor:
    """Go from ``start`` (factor 0) to ``images`` (1) and beyond."""
    return to_levels(start + per_sample(factor, images) * (images - start))


def luminance(images: Tensor) -> Tensor:
    """Luminance (ITU-R 601) with the rounding of Pillow: (N, 1, H, W), int32."""
    red, green, blue = images.int().split(1, dim=1)
    return torch.bitwise_right_shift(red * 19595 + green * 38470 + blue * 7471 + (1 << 15), 16)


def grey(images: Tensor) -> Tensor:
    """Luminance in all three channels."""
    return luminance(images).to(torch.uint8).expand(-1, 3, -1, -1).contiguous()


def brightness(images: Tensor, factor: np.ndarray) -> Tensor:
    """Blend with black: 0 gives black, 1 the images."""
    return to_levels(images * per_sample(factor, images))


def contrast(images: Tensor, factor: np.ndarray) -> Tensor:
    """Blend with an image's mean luminance: 0 gives grey planes, 1 the images."""
    pixels = images.shape[-2] * images.shape[-1]
    total = luminance(images).sum((1, 2, 3), keepdim=True)  # int64
    mean = (2 * total + pixels) // (2 * pixels)
    return blend(mean.float(), images, factor)


def saturation(images: Tensor, factor: np.ndarray) -> Tensor:
    """Blend with the luminance: 0 gives grey images, 1 the images."""
    return blend(luminance(images).float(), images, factor)


def hue(images: Tensor, shift: np.ndarray) -> Tensor:
    """Turn the hue by ``shift`` turns, in [-0.5, 0.5], in floating point."""
    red, green, blue = images.float().split(1, dim=1)
    value = red.maximum(green).maximum(blue)
    chroma = value - red.minimum(green).minimum(blue)
    # Where on the colour circle, in sixths of a turn from red.
    is_red, is_green = value == red, value == green
    place = torch.where(is_red, green - blue, torch.where(is_green, blue - red, red - green))
    place /= chroma.clamp(min=1)  # 0 where there is no colour
    place += torch.where(is_red, 0., torch.where(is_green, 2., 4.))
    place += per_sample(shift % 1 * 6, images)
    # The inverse of HSV: a channel falls and rises again over the circle.
    channels = []
    for start in (5, 3, 1):
        at = place + start
        at -= (at / 6).floor_() * 6  # a third of the time of remainder()
        share = at.minimum(4 - at).clamp_(0, 1)
        channels.append(to_levels(value - chroma * share + 0.5))
    return torch.cat(channels, dim=1)


def auto_contrast(images: Tensor) -> Tensor:
    """Stretch each channel so that its darkest pixel is 0 and its brightest 255."""
    low, high = (bound.float() for bound in (images.amin((2, 3), keepdim=True),
                                             images.amax((2, 3), keepdim=True)))
    # Division last: the whole numbers above it are exact, so that its truncation is.
    stretched = (images - low) * 255 / (high - low).clamp(min=1)
    return torch.where(high > low, to_levels(stretched), images)


def equalize(images: Tensor) -> Tensor:
    """Equalise the histogram of each channel, with Pillow's rounding."""
    levels = images.flatten(0, 1).flatten(1).long()  # (3N, HW)
    rows, pixels = levels.shape
    at = levels + 256 * torch.arange(rows, device=images.device)[:, None]
    counts = torch.zeros(rows * 256, dtype=torch.long, device=images.device)
    # bincount would wait for the device, and scatter_add_ has no deterministic form there.
    counts.index_add_(0, at.flatten(), counts.new_ones(()).expand(at.numel()))
    counts = counts.view(rows, 256)
    brightest = counts.gather(1, levels.amax(1, keepdim=True))
    step = (pixels - brightest) // 255
    table = (step // 2 + counts.cumsum(1) - counts) // step.clamp(min=1)
    table = torch.where(step > 0, table, torch.arange(256, device=images.device))
    return table.clamp_(0, 255).to(torch.uint8).gather(1, levels).view_as(images)


def invert(images: Tensor) -> Tensor:
    """Negate: v -> 255 - v."""
    return 255 - images


def posterize(images: Tensor, bits: np.ndarray) -> Tensor:
    """Keep the ``bits`` highest bits of each channel, 0 to 8."""
    return images & per_sample(256 - (1 << (8 - bits)), images, torch.uint8)


def solarize(images: Tensor, threshold: np.ndarray) -> Tensor:
    """Invert the levels from ``threshold`` on; 256 leaves an image as it is."""
    return torch.where(images < per_sample(threshold, images, torch.int16), images, 255 - images)


def solarize_add(images: Tensor, amount: np.ndarray) -> Tensor:
    """Add ``amount`` to the levels below 128."""
    brighter = (images + per_sample(amount, images, torch.int16)).clamp_(0, 255)
    return torch.where(images < 128, brighter.to(torch.uint8), images)


def color_space(images: Tensor, space: np.ndarray) -> Tensor:
    """Convert to a space of ``FROM_RGB``: (N, 3, H, W), float32."""
    matrices = torch.tensor([FROM_RGB[name] for name in space]).to(images.device, non_blocking=True)
    return torch.matmul(matrices, images.flatten(2) / 255).view_as(images)
