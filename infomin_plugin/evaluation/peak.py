"""The peak of accuracy over the information between views: the sweet spot, if there is one."""

import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

# Values a curve needs: a parabola has three coefficients, and two values more say how well it fits.
_FEWEST_VALUES = 5

# Webb's six weights: mean 0, variance 1. With five groups, two weights would make 32 resamples.
_WEIGHTS = np.sqrt([0.5, 1, 1.5, 0.5, 1, 1.5]) * [1, 1, 1, -1, -1, -1]

# A slope or curvature below this part of the largest accuracy is the rounding of double precision.
_ROUNDING = 1e-9


class Peak(NamedTuple):
    """The highest point of a parabola fitted to accuracy against I_NCE."""

    # I_NCE of the highest point and its confidence interval, nats; nan where the parabola, or every
    # resampled one, has no highest point
    location: float
    low: float
    high: float
    # accuracy of the highest point, percent; nan where location is
    height: float
    # the data have a peak inside the measured range
    supported: bool
    # why not, in words; empty if supported
    reason: str
    # of 1, x and x², percent over powers of nats; nan with fewer than three values of x
    coefficients: tuple[float, float, float]


def fit_peak(x: Sequence[float],
             y: Sequence[float],
             groups: Sequence[Hashable] | None = None,
             confidence: float = 0.95,
             resamples: int = 2000,
             seed: int = 0) -> Peak:
    """Fit a parabola to accuracy against I_NCE, and say whether the data have a peak.

    By the InfoMin principle (Tian et al. 2020) accuracy over I(v1; v2) is a reversed U. A peak is
    supported if the parabola opens downwards in at least ``confidence`` of the resamples, and its
    highest point and the interval of it, the percentiles among those resamples, lie strictly inside
    the measured range of ``x``. The spread of x is not resampled.

    Args:
        x (Sequence[float]): I_NCE of P runs, nats.
        y (Sequence[float]): Their accuracies, percent.
        groups (Sequence[Hashable], optional): The varied value of each run; runs of a value (its
            seeds) are resampled together. None: each run is on its own.
        confidence (float): Probability of the interval, and part of the resamples that must agree,
            between 0 and 1. Defaults to 0.95.
        resamples (int): Of the bootstrap, 1 or more. Defaults to 2000.
        seed (int): Of the bootstrap. Defaults to 0.

    Returns:
        Peak: ``supported`` and, if not, the ``reason``. Fewer than five groups, or five different
        x, support none.

    Raises:
        ValueError: If the lengths differ, there are no runs, a number is not finite, or another
            argument is out of its range.
    """
    x, y, codes = _checked(x, y, groups)
    if not 0 < confidence < 1:
        raise ValueError(f'confidence must lie between 0 and 1, got {confidence}')
    if resamples < 1:
        raise ValueError(f'resamples must be 1 or more, got {resamples}')
    different = len(np.unique(x))
    if different < 3:
        nan = math.nan
        return Peak(nan, nan, nan, nan, False, _too_few(different), (nan, nan, nan))
    middle, half = (x.max() + x.min()) / 2, (x.max() - x.min()) / 2
    design = np.stack([np.ones_like(x), (x - middle) / half, ((x - middle) / half)**2], axis=1)
    fitted = np.linalg.lstsq(design, y, rcond=None)[0]
    rounding = _ROUNDING * np.abs(y).max()
    location, height = _highest(fitted, rounding)
    values = min(codes.max() + 1, different)
    low, high, reason = math.nan, math.nan, _too_few(values)
    if values >= _FEWEST_VALUES:
        drawn = _resampled(design, y, fitted, codes, resamples, np.random.default_rng(seed))
        low, high, reason = _judge(location, drawn, confidence, rounding)
    location, low, high = (float(middle + half * place) for place in (location, low, high))
    a, b, c = (float(value) for value in fitted)
    slope, curvature = b / half, c / half**2
    coefficients = (a - slope * middle + curvature * middle**2, slope - 2 * curvature * middle,
                    curvature)
    return Peak(location, low, high, height, not reason, reason, tuple(map(float, coefficients)))


def _too_few(values: int) -> str:
    return f'too few points: {_FEWEST_VALUES} values are needed, there are {values}'


def _highest(coefficients: np.ndarray, rounding: float) -> tuple[float, float]:
    """Highest point of a parabola and its height."""
    a, b, c = (float(value) for value in coefficients)
    return (-b / (2 * c), a - b**2 / (4 * c)) if c < -rounding else (math.nan, math.nan)


def _resampled(design: np.ndarray, y: np.ndarray, fitted: np.ndarray, codes: np.ndarray,
               resamples: int, generator: np.random.Generator) -> np.ndarray:
    """Coefficients of the resamples, resamples×3, by a wild cluster bootstrap.

    Cameron, Gelbach and Miller 2008, with Webb's weights: a resample is the fitted parabola plus
    the errors of each group times a random weight of the group.
    """
    # Groups drawn with replacement would often leave three or fewer of five values, through which
    # any parabola goes; drawn residuals would forget that the seeds of a value share its distance
    # from the parabola, which no real curve follows. Weights keep all values and what is shared.
    # The error of a group is measured from the parabola through the other groups, since that
    # through all is drawn to it, the more so the fewer there are (the jackknife's correction, CR3).
    errors = np.empty_like(y)
    for group in range(codes.max() + 1):
        own = codes == group
        others = np.linalg.lstsq(design[~own], y[~own], rcond=None)[0]
        errors[own] = y[own] - design[own] @ others
    weights = generator.choice(_WEIGHTS, size=(resamples, codes.max() + 1))[:, codes]
    return fitted + (weights * errors) @ np.linalg.pinv(design).T


def _judge(location: float, drawn: np.ndarray, confidence: float,
           rounding: float) -> tuple[float, float, str]:
    """Interval of the highest point, in a range of x from -1 to 1, and what speaks against it."""
    slope, curvature = drawn[:, 1], drawn[:, 2]
    downwards = curvature < -rounding
    low = high = math.nan
    if downwards.any():
        places = -slope[downwards] / (2 * curvature[downwards])
        low, high = np.quantile(places, [(1 - confidence) / 2, (1 + confidence) / 2])
    # the least and the largest slope over the range are those at its ends
    least, most = slope - 2 * np.abs(curvature), slope + 2 * np.abs(curvature)
    if (least > rounding).mean() >= confidence:
        return low, high, 'accuracy rises over the whole range'
    if (most < -rounding).mean() >= confidence:
        return low, high, 'accuracy falls over the whole range'
    if (curvature > rounding).mean() >= confidence:
        return low, high, 'accuracy has a lowest point, not a highest'
    if downwards.mean() < confidence or math.isnan(location):
        return low, high, 'curvature is not distinguishable from none'
    if not -1 < location < 1:
        return low, high, 'the peak of the parabola lies outside the measured range'
    if not -1 < low <= high < 1:
        return low, high, 'the interval of the peak reaches out of the measured range'
    return low, high, ''


def _checked(x: Sequence[float], y: Sequence[float],
             groups: Sequence[Hashable] | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The points, and the number of each one's group."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    groups = range(len(x)) if groups is None else list(groups)
    if x.ndim != 1 or x.shape != y.shape or len(groups) != len(x) or not len(x):
        raise ValueError('x, y and groups must have one entry for each run, one run or more, got '
                         f'{x.shape}, {y.shape} and {len(groups)}')
    for name, numbers in dict(x=x, y=y).items():
        if not np.isfinite(numbers).all():
            raise ValueError(f'{name} must be finite numbers, got {numbers.tolist()}')
    codes = {}
    return x, y, np.array([codes.setdefault(group, len(codes)) for group in groups])
