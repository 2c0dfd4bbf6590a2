"""Straight motion at constant speed between walls that reflect (Tian et al. 2020, section 4.1)."""

import math

import numpy as np


def reflect(coordinates: np.ndarray, span: float) -> np.ndarray:
    """Fold a line into [0, span], as walls at both ends reflect what moves along it.

    Args:
        coordinates: Where it would be without walls; any shape, px.
        span: Distance between the walls, above 0, px.

    Returns:
        float64 of the same shape, in [0, span].
    """
    return span - np.abs(np.mod(coordinates, 2 * span) - span)


def draw_motion(rng: np.random.Generator, span: float,
                step: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw where something starts and how it moves.

    Args:
        rng: Source of randomness; gives three numbers.
        span: Places are in [0, span], along both axes; px.
        step: Distance moved a frame, px.

    Returns:
        tuple: The start, uniform in the square, and the step in a direction that is uniform on the
        circle; each float64 (2,), (y, x), px.
    """
    start = rng.uniform(0, span, 2)
    angle = rng.uniform(0, 2 * math.pi)
    return start, step * np.array([math.sin(angle), math.cos(angle)])


def follow(start: np.ndarray, step: np.ndarray, num_frames: int, span: float) -> np.ndarray:
    """Follow a motion: the pixel it is at in each of ``num_frames`` frames.

    Since the place at any time is the reflection of the straight line's, no error adds up.

    Returns:
        int64 (num_frames, 2), (y, x), in 0…span.
    """
    times = np.arange(num_frames)[:, None]
    return np.rint(reflect(start + times * step, span)).astype(int)
