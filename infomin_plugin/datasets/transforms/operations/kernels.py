"""Inner loops, compiled by numba: what neither OpenCV nor numpy does with Pillow's arithmetic.

Numba rather than a C++ extension: it needs no compiler where the package is installed, and
vectorises these loops for the processor that they run on. All loops run along rows, over bytes
that lie side by side, which is what vector units want; columns are treated by transposing.

The functions are compiled when this module is first imported (some seconds) and kept on disk, so
that workers find them ready. They use one thread.
"""

from collections.abc import Callable

import numba
import numpy as np
from numba import types

# Pillow's fixed-point weights: 32 bits less 8 for the pixel and 2 for overshoot.
WEIGHT_BITS = 22

_BYTES = types.Array(types.uint8, 1, 'C', readonly=True)
_ROWS = types.Array(types.uint8, 2, 'C', readonly=True)
_IMAGE = types.Array(types.uint8, 3, 'C', readonly=True)


def _compile(signature) -> Callable:
    """Compile now, with the result kept on disk where a folder for it can be written."""

    def decorate(function: Callable) -> Callable:
        try:
            return numba.njit(signature, cache=True, error_model='numpy')(function)
        except RuntimeError:  # neither the package's folder nor the user's cache is writable
            return numba.njit(signature, error_model='numpy')(function)

    return decorate


@_compile(types.Tuple((types.int32[::1], types.int32[:, ::1]))(
    types.float64, types.float64, types.int64, types.int64))
def triangle_taps(start, length, out, limit):
    """Weights that resize a line: (out,) first source index, (out, taps) fixed-point weights.

    Pillow's bilinear filter: a triangle as wide as an output pixel is in the source, at least one
    source pixel. The line of ``limit`` pixels is read from ``start`` over ``length`` of them.
    """
    scale = length / out
    support = max(scale, 1.0)
    taps = int(np.ceil(support)) * 2 + 1
    first = np.zeros(out, np.int32)
    weights = np.zeros((out, taps), np.int32)
    line = np.zeros(taps)
    used = 1
    for i in range(out):
        centre = start + (i + 0.5) * scale
        low = max(int(centre - support + 0.5), 0)
        count = min(int(centre + support + 0.5), limit) - low
        total = 0.0
        for k in range(count):
            line[k] = max(0.0, 1.0 - abs((k + low - centre + 0.5) / support))
            total += line[k]
        for k in range(count):
            weights[i, k] = int(0.5 + line[k] / total * (1 << WEIGHT_BITS))
            if weights[i, k] != 0:
                used = max(used, k + 1)
        first[i] = low
    return first, np.ascontiguousarray(weights[:, :used])


@_compile(types.void(_ROWS, types.int32[::1], types.int32[:, ::1], types.uint8[:, ::1]))
def resample_rows(src, first, weights, out):
    """Make each row of ``out`` the weighted sum of rows of ``src`` from ``first`` on."""
    size = src.shape[1]
    line = np.empty(size, np.int32)
    for y in range(out.shape[0]):
        line[:] = 1 << (WEIGHT_BITS - 1)
        for k in range(weights.shape[1]):
            weight = weights[y, k]
            if weight != 0:
                row = src[first[y] + k]
                for i in range(size):
                    line[i] += weight * np.int32(row[i])
        for i in range(size):
            out[y, i] = np.uint8(line[i] >> WEIGHT_BITS)


@numba.njit(inline='always')
def _cubic(before, here, after, beyond, part):
    """Pillow's cubic through four samples, ``part`` of the way from the second to the third."""
    slope = after - before
    bend = 2 * (before - here) + after - beyond
    twist = here - before + beyond - after
    return here + part * (slope + part * (bend + part * twist))


@numba.njit(inline='always')
def _level(value):
    """Clip to a grey level; truncates, as Pillow does."""
    return np.uint8(np.int32(min(max(value, 0.0), 255.0)))


@numba.njit(inline='always')
def _inside(i, size):
    return min(max(i, 0), size - 1)


@_compile(types.void(_IMAGE, types.float64[::1], types.boolean, types.uint8[::1],
                     types.uint8[:, :, ::1]))
def shift_rows(src, shifts, cubic, fill, out):
    """Move each row to the left by a number of pixels of its own, whole or not.

    What comes from outside is ``fill``; beside the edge the outermost pixel is repeated.
    """
    height, width = src.shape[:2]
    for y in range(height):
        whole = int(np.floor(shifts[y]))
        part = shifts[y] - whole
        # Pixels whose centre comes from inside the image, and of those the ones with all taps.
        low = min(max(int(np.ceil(-0.5 - shifts[y])), 0), width)
        high = min(max(int(np.ceil(width - 0.5 - shifts[y])), low), width)
        clear_low = min(max(low, (1 if cubic else 0) - whole), high)
        clear_high = max(min(high, width - (2 if cubic else 1) - whole), clear_low)
        for x in range(width):
            if x < low or x >= high:
                for c in range(3):
                    out[y, x, c] = fill[c]
        start, count = 3 * (clear_low + whole), 3 * (clear_high - clear_low)
        if count > 0:
            line, target = src[y].reshape(-1), out[y].reshape(-1)[3 * clear_low:3 * clear_high]
            here, after = line[start:start + count], line[start + 3:start + 3 + count]
            if cubic:
                before = line[start - 3:start - 3 + count]
                beyond = line[start + 6:start + 6 + count]
                for i in range(count):
                    target[i] = _level(_cubic(float(before[i]), float(here[i]), float(after[i]),
                                              float(beyond[i]), part))
            else:
                for i in range(count):
                    target[i] = _level(float(here[i]) + part * (float(after[i]) - float(here[i])))
        for x in range(low, high):
            if clear_low <= x < clear_high:
                continue
            at = x + whole
            for c in range(3):
                here_c = float(src[y, _inside(at, width), c])
                after_c = float(src[y, _inside(at + 1, width), c])
                if cubic:
                    value = _cubic(float(src[y, _inside(at - 1, width), c]), here_c, after_c,
                                   float(src[y, _inside(at + 2, width), c]), part)
                else:
                    value = here_c + part * (after_c - here_c)
                out[y, x, c] = _level(value)


@_compile(types.void(_ROWS, types.int64, types.uint32, types.uint32, types.uint8[:, ::1]))
def box_rows(src, radius, weight, far_weight, out):
    """Average each row with ``radius`` rows on either side, and a share of the next two.

    Weights have 24 fractional bits; beyond the edge its row is repeated.
    """
    height, size = src.shape
    window = np.zeros(size, np.uint32)
    for y in range(-radius - 1, radius):  # the window of the row before the first
        row = src[_inside(y, height)]
        for i in range(size):
            window[i] += np.uint32(row[i])
    for y in range(height):
        before, after = src[_inside(y - radius - 1, height)], src[_inside(y + radius, height)]
        beyond = src[_inside(y + radius + 1, height)]
        for i in range(size):
            window[i] += np.uint32(after[i]) - np.uint32(before[i])
            far = np.uint32(before[i]) + np.uint32(beyond[i])
            total = window[i] * weight + far * far_weight + np.uint32(1 << 23)
            out[y, i] = np.uint8(total >> np.uint32(24))


@_compile(types.void(_BYTES, types.float32, types.float32, types.uint8[::1]))
def stretch(src, pivot, factor, out):
    """Scale the distance of each level from ``pivot``; clipped, and truncated as Pillow does."""
    for i in range(src.size):
        level = pivot + factor * (np.float32(src[i]) - pivot)
        out[i] = np.uint8(np.int32(min(max(level, np.float32(0)), np.float32(255))))


@numba.njit(inline='always')
def _channel(hue, value, chroma):
    """The inverse of HSV: a channel falls and rises over the hue, in sixths of a turn, 0 to 16."""
    six = np.float32(6)
    hue = hue - six if hue >= six else hue
    hue = hue - six if hue >= six else hue
    share = min(max(min(hue, np.float32(4) - hue), np.float32(0)), np.float32(1))
    return np.uint8(np.int32(value - chroma * share + np.float32(0.5)))


@_compile(types.void(_BYTES, _BYTES, _BYTES, types.float32, types.uint8[:, ::1]))
def turn_hue(red, green, blue, sixths, out):
    """Turn the hue of planes (N,) by a number of sixths of a turn, in [0, 6): out (3, N)."""
    zero, one, two, four = np.float32(0), np.float32(1), np.float32(2), np.float32(4)
    for i in range(red.size):
        r, g, b = np.float32(red[i]), np.float32(green[i]), np.float32(blue[i])
        value = max(r, max(g, b))
        chroma = value - min(r, min(g, b))
        # Choices, not branches: the loop stays a vector's.
        difference = g - b if value == r else (b - r if value == g else r - g)
        sector = zero if value == r else (two if value == g else four)
        hue = difference / max(chroma, one) + sector + sixths  # from -1 on
        out[0, i] = _channel(hue + np.float32(5), value, chroma)
        out[1, i] = _channel(hue + np.float32(3), value, chroma)
        out[2, i] = _channel(hue + one, value, chroma)
