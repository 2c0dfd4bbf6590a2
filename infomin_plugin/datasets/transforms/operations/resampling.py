"""Operations that move pixels, with Pillow's filters and its arithmetic.

OpenCV has neither of the filters: its INTER_LINEAR aliases when it shrinks, INTER_AREA is a box,
``warpAffine`` rounds positions to 1/32 px and has another bicubic kernel. Pillow has them, at ten
times the time. Here one kernel serves rows and columns, since OpenCV transposes within
microseconds. Rotation is left to Pillow: a loop that jumps between rows came out no faster.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image

from . import kernels


def _resize_rows(img: np.ndarray, start: float, length: float, out: int) -> np.ndarray:
    """Resize (h, w, 3) to (out, w, 3), reading ``length`` rows from ``start`` on."""
    height, width = img.shape[:2]
    if start == 0 and length == out == height:
        return img
    resized = np.empty((out, width, 3), np.uint8)
    kernels.resample_rows(img.reshape(height, -1),
                          *kernels.triangle_taps(start, length, out, height),
                          resized.reshape(out, -1))
    return resized


def crop(img: np.ndarray, box: Sequence[float], size: tuple[int, int]) -> np.ndarray:
    """Cut out a box and resize it, bilinear with antialias (Pillow's filter).

    No pixel that is wholly outside the box has any influence.

    Args:
        img: (H, W, 3), uint8.
        box: (top, left, height, width) in pixels; fractions are allowed.
        size: (height, width) of the result.
    """
    top, left, height, width = box
    first_row, first_column = math.floor(top), math.floor(left)
    part = img[first_row:math.ceil(top + height), first_column:math.ceil(left + width)]
    if part.shape[:2] == tuple(size) == (height, width):
        return np.ascontiguousarray(part)
    columns = _resize_rows(cv2.transpose(part), left - first_column, width, size[1])
    return _resize_rows(cv2.transpose(columns), top - first_row, height, size[0])


def flip(img: np.ndarray) -> np.ndarray:
    """Mirror left to right."""
    return cv2.flip(img, 1)


def patches(img: np.ndarray, cell: int, patch: int, grid: int,
            offsets: Sequence[tuple[int, int]]) -> np.ndarray:
    """Take a patch from each cell of a grid, row by row.

    Args:
        img: (grid * cell, grid * cell, 3).
        cell: Side of a cell in pixels.
        patch: Side of a patch in pixels.
        grid: Cells a side.
        offsets: (down, right) of each patch in its cell, grid ** 2 of them.

    Returns:
        np.ndarray: (grid ** 2, patch, patch, 3), dtype of ``img``.

    Raises:
        ValueError: If the image has another size.
    """
    side = grid * cell
    if img.shape[:2] != (side, side):
        raise ValueError(
            f'JigsawPatches(cell={cell}, grid={grid}) needs images of {side}x{side} px, got '
            f'{img.shape[1]}x{img.shape[0]}: crop to size={side} before it')
    cut = np.empty((grid**2, patch, patch, 3), img.dtype)
    for i, (down, right) in enumerate(offsets):
        top, left = i // grid * cell + down, i % grid * cell + right
        cut[i] = img[top:top + patch, left:left + patch]
    return cut


def _shift_rows(img: np.ndarray, shifts: np.ndarray, cubic: bool,
                fill: Sequence[int]) -> np.ndarray:
    out = np.empty(img.shape, np.uint8)
    shifts = np.round(shifts, 9)  # a whole number of pixels is one, whatever the rounding before
    kernels.shift_rows(np.ascontiguousarray(img), shifts, cubic, np.array(fill, np.uint8), out)
    return out


def shear_x(img: np.ndarray, slope: float, cubic: bool, fill: Sequence[int]) -> np.ndarray:
    """Look (x, y) up at (x + slope y, y); ``fill`` (R, G, B) comes in from outside."""
    return _shift_rows(img, slope * (np.arange(len(img)) + 0.5), cubic, fill)


def shear_y(img: np.ndarray, slope: float, cubic: bool, fill: Sequence[int]) -> np.ndarray:
    """Look (x, y) up at (x, y + slope x)."""
    return cv2.transpose(shear_x(cv2.transpose(img), slope, cubic, fill))


def translate_x(img: np.ndarray, share: float, cubic: bool, fill: Sequence[int]) -> np.ndarray:
    """Look (x, y) up at (x + share of the width, y)."""
    return _shift_rows(img, np.full(len(img), float(share * img.shape[1])), cubic, fill)


def translate_y(img: np.ndarray, share: float, cubic: bool, fill: Sequence[int]) -> np.ndarray:
    """Look (x, y) up at (x, y + share of the height)."""
    return cv2.transpose(translate_x(cv2.transpose(img), share, cubic, fill))


def rotate(img: np.ndarray, degrees: float, cubic: bool, fill: Sequence[int]) -> np.ndarray:
    """Turn counter-clockwise around the centre."""
    resample = Image.Resampling.BICUBIC if cubic else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(img).rotate(degrees, resample, fillcolor=tuple(fill)))
