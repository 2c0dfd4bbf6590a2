"""Point operations on RGB images, with the arithmetic of Pillow's ``ImageEnhance``/``ImageOps``.

Every function takes an image (H, W, 3), uint8, RGB, and returns a new one of the same form; the
given array is never written to. Where an operation maps each grey level to another, it is one
lookup table; where it is a scaling, arithmetic on vectors is faster than the table.
"""

import cv2
import numpy as np

from infomin_plugin.color_spaces import FROM_RGB

from . import kernels

LEVELS = np.arange(256)


def _lookup(img: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Map levels by a table: (256,) for all channels or (256, 3) for each of its own."""
    table = table.clip(0, 255).astype(np.uint8)  # truncates, as Pillow does
    return cv2.LUT(img, table if table.ndim == 1 else table[None])


def _levels(img: np.ndarray) -> np.ndarray:
    """Count the pixels of each level: (3, 256), int64, a row a channel."""
    rows = [cv2.calcHist([img], [i], None, [256], [0, 256])[:, 0] for i in range(3)]
    return np.stack(rows).astype(np.int64)


def blend(start: np.ndarray, end: np.ndarray, factor: float) -> np.ndarray:
    """Go from ``start`` (factor 0) to ``end`` (1) and beyond."""
    # The offset turns OpenCV's rounding into Pillow's truncation (and 0.001 keeps whole numbers).
    return cv2.addWeighted(end, factor, start, 1 - factor, -0.499)


def grey(img: np.ndarray) -> np.ndarray:
    """Luminance (ITU-R 601) in all three channels."""
    return cv2.cvtColor(cv2.cvtColor(img, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def _stretch(img: np.ndarray, pivot: float, factor: float) -> np.ndarray:
    img = np.ascontiguousarray(img)
    out = np.empty_like(img)
    kernels.stretch(img.reshape(-1), pivot, factor, out.reshape(-1))
    return out


def brightness(img: np.ndarray, factor: float) -> np.ndarray:
    """Blend with black: 0 gives black, 1 the image."""
    return _stretch(img, 0, factor)


def contrast(img: np.ndarray, factor: float) -> np.ndarray:
    """Blend with the mean luminance: 0 gives a grey plane, 1 the image."""
    mean = int(cv2.mean(cv2.cvtColor(img, cv2.COLOR_RGB2GRAY))[0] + 0.5)
    return _stretch(img, mean, factor)


def saturation(img: np.ndarray, factor: float) -> np.ndarray:
    """Blend with the luminance: 0 gives a grey image, 1 the image."""
    return blend(grey(img), img, factor)


def hue(img: np.ndarray, shift: float) -> np.ndarray:
    """Turn the hue by ``shift`` turns, in [-0.5, 0.5].

    In floating point, as torchvision does for tensors: 8-bit hues (Pillow's and OpenCV's) are off
    by several grey levels in saturated colours.
    """
    turned = np.empty((3, img.size // 3), np.uint8)
    kernels.turn_hue(*(plane.reshape(-1) for plane in cv2.split(img)), shift % 1 * 6, turned)
    return cv2.merge(turned.reshape(3, *img.shape[:2]))


def auto_contrast(img: np.ndarray) -> np.ndarray:
    """Stretch each channel so that its darkest pixel is 0 and its brightest 255."""
    table = np.tile(LEVELS[:, None], (1, 3)).astype(float)
    for channel, counts in enumerate(_levels(img)):
        low, high = np.flatnonzero(counts)[[0, -1]]
        if high > low:
            table[:, channel] = (LEVELS - low) * (255 / (high - low))
    return _lookup(img, table)


def equalize(img: np.ndarray) -> np.ndarray:
    """Equalise the histogram of each channel, with Pillow's rounding."""
    table = np.tile(LEVELS[:, None], (1, 3))
    for channel, counts in enumerate(_levels(img)):
        step = (counts.sum() - counts[np.flatnonzero(counts)[-1]]) // 255
        if step:
            table[:, channel] = (step // 2 + np.cumsum(counts) - counts) // step
    return _lookup(img, table)


def invert(img: np.ndarray) -> np.ndarray:
    """Negate: v -> 255 - v."""
    return cv2.bitwise_not(img)


def posterize(img: np.ndarray, bits: int) -> np.ndarray:
    """Keep the ``bits`` highest bits of each channel, 0 to 8."""
    return _lookup(img, LEVELS & (256 - (1 << (8 - bits))))


def solarize(img: np.ndarray, threshold: int) -> np.ndarray:
    """Invert the levels from ``threshold`` on; 256 leaves the image as it is."""
    return _lookup(img, np.where(LEVELS < threshold, LEVELS, 255 - LEVELS))


def solarize_add(img: np.ndarray, amount: int, threshold: int = 128) -> np.ndarray:
    """Add ``amount`` to the levels below ``threshold``."""
    return _lookup(img, np.where(LEVELS < threshold, LEVELS + amount, LEVELS))


def color_space(img: np.ndarray, space: str) -> np.ndarray:
    """Convert to a space of ``FROM_RGB``: (..., 3), float32."""
    matrix = np.array(FROM_RGB[space], np.float32) / 255
    return cv2.transform(img.reshape(-1, 1, 3).astype(np.float32), matrix).reshape(img.shape)
