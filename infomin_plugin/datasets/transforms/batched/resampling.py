"""Operations on batches that move pixels, as Pillow's ``Image.transform`` does.

Not with ``torch.nn.functional.grid_sample``: its bicubic kernel is another (a = -0.75, Pillow's
transforms have a = -1), it has no colour for what comes from outside, and single-precision
coordinates decide wrongly at the edges.
"""

import numpy as np
import torch
from torch import Tensor

from .pixels import per_sample, to_levels

# Positions are whole numbers with so many fractional bits: exact on every device, and a shift by a
# whole number of pixels is one.
_BITS = 32
_ONE = 1 << _BITS
# Truncation would take a level from what rounding left just below a whole one.
_NOISE = 2e-4

# Weights of the pixels from one before to two after a position as cubic polynomials of the part of
# a pixel that it is beyond the second: coefficients of 1, d, d^2, d^3.
_LINEAR = ((0, 0, 0, 0), (1, -1, 0, 0), (0, 1, 0, 0), (0, 0, 0, 0))
_CUBIC = ((0, -1, 2, -1), (1, 0, -2, 1), (0, 1, 1, -1), (0, 0, -1, 1))
_OFFSETS = (-1, 0, 1, 2)


def _positions(row: np.ndarray, images: Tensor) -> Tensor:
    """Where pixels come from along one axis: (N, 1, H, W), int64, with ``_BITS`` fractional bits.

    Args:
        row: (N, 3): the source position is ``row @ (x, y, 1)``, pixel centres at half-integers.
        images: (N, C, H, W).
    """
    height, width = images.shape[-2:]
    across = row[:, :1] * (np.arange(width) + 0.5)
    down = row[:, 1:2] * (np.arange(height) + 0.5) + row[:, 2:]
    across, down = (torch.from_numpy(np.rint(terms * _ONE).astype(np.int64)).to(
        images.device, non_blocking=True) for terms in (across, down))
    return across[:, None, None, :] + down[:, None, :, None]


def _taps(positions: Tensor, size: int, weights: Tensor, cubic: bool) -> list[tuple]:
    """Which pixels a position is read from, and their weights; the outermost are repeated.

    Args:
        positions: (N, 1, H, W), see :func:`_positions`.
        size: Pixels along the axis.
        weights: (N, 4, 4), see ``_CUBIC``.
        cubic: Whether the outer two of the four taps have any weight.

    Returns:
        list[tuple[Tensor, Tensor]]: Indices, int64, and weights, both (N, 1, H, W).
    """
    positions = positions - _ONE // 2  # from edges to centres
    whole = torch.bitwise_right_shift(positions, _BITS)
    part = (positions & (_ONE - 1)).float() / _ONE
    taps = []
    for i in range(4) if cubic else (1, 2):
        constant, first, second, third = weights[:, i, :, None, None, None].unbind(1)
        weight = ((third * part + second) * part + first) * part + constant
        taps.append(((whole + _OFFSETS[i]).clamp_(0, size - 1), weight))
    return taps


def _transform(images: Tensor, rows: np.ndarray | None, columns: np.ndarray | None,
               cubic: np.ndarray, fill: np.ndarray) -> Tensor:
    """Look each pixel up elsewhere.

    Args:
        images: (N, 3, H, W), uint8.
        rows: (N, 3): the source's y is ``rows @ (x, y, 1)``; None if pixels stay in their row.
        columns: (N, 3): likewise x, and their column.
        cubic: (N,): bicubic or bilinear.
        fill: (N, 3): colour of what comes from outside.
    """
    height, width = images.shape[-2:]
    weights = torch.from_numpy(np.where(cubic[:, None, None], _CUBIC, _LINEAR)).float()
    weights = weights.to(images.device, non_blocking=True)
    inside, taps = True, []
    for row, size, axis in ((rows, height, 2), (columns, width, 3)):
        if row is None:
            own = torch.arange(size, device=images.device)
            taps.append([(own.view([-1 if i == axis else 1 for i in range(4)]), 1.)])
            continue
        positions = _positions(row, images)
        inside = (positions >= 0) & (positions < size * _ONE) & inside
        taps.append(_taps(positions, size, weights, bool(cubic.any())))
    planes = images.flatten(2)
    total = torch.full(images.shape, _NOISE, device=images.device)
    for y, y_weight in taps[0]:
        for x, x_weight in taps[1]:
            at = (y * width + x).flatten(2).expand(*planes.shape)
            total += planes.gather(2, at).view_as(images) * (y_weight * x_weight)
    return torch.where(inside, to_levels(total), per_sample(fill, images, torch.uint8))


def _row(*columns: np.ndarray | float) -> np.ndarray:
    return np.stack(np.broadcast_arrays(*columns), axis=1).astype(np.float64)


def shear_x(images: Tensor, slope: np.ndarray, cubic: np.ndarray, fill: np.ndarray) -> Tensor:
    """Look (x, y) up at (x + slope y, y); ``fill`` (R, G, B) comes in from outside."""
    return _transform(images, None, _row(1, slope, 0), cubic, fill)


def shear_y(images: Tensor, slope: np.ndarray, cubic: np.ndarray, fill: np.ndarray) -> Tensor:
    """Look (x, y) up at (x, y + slope x)."""
    return _transform(images, _row(slope, 1, 0), None, cubic, fill)


def translate_x(images: Tensor, share: np.ndarray, cubic: np.ndarray, fill: np.ndarray) -> Tensor:
    """Look (x, y) up at (x + share of the width, y)."""
    return _transform(images, None, _row(1, 0, share * images.shape[3]), cubic, fill)


def translate_y(images: Tensor, share: np.ndarray, cubic: np.ndarray, fill: np.ndarray) -> Tensor:
    """Look (x, y) up at (x, y + share of the height)."""
    return _transform(images, _row(0, 1, share * images.shape[2]), None, cubic, fill)


def rotate(images: Tensor, degrees: np.ndarray, cubic: np.ndarray, fill: np.ndarray) -> Tensor:
    """Turn counter-clockwise around the centre."""
    y, x = images.shape[2] / 2, images.shape[3] / 2
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    columns = _row(cos, -sin, x - cos * x + sin * y)
    rows = _row(sin, cos, y - sin * x - cos * y)
    return _transform(images, rows, columns, cubic, fill)
