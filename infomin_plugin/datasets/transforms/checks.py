"""Checks of arguments where they enter: the error names the argument, its value and its bound."""

import math
from collections.abc import Sequence
from numbers import Real


def number(name: str, value: float, low: float = -math.inf, high: float = math.inf) -> float:
    """Return ``value`` as a float if it is a number in [low, high].

    Raises:
        TypeError: If it is not a number.
        ValueError: If it is outside the bounds.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f'{name} must be a number, got {value!r}')
    if not low <= value <= high:
        raise ValueError(f'{name} must be in [{low:g}, {high:g}], got {value!r}')
    return float(value)


def probability(name: str, value: float) -> float:
    """Return ``value`` as a float if it is in [0, 1]; errors as those of :func:`number`."""
    return number(name, value, 0, 1)


def count(name: str, value: int, low: int = 1) -> int:
    """Return ``value`` if it is an integer of at least ``low``.

    Raises:
        TypeError: If it is not an integer.
        ValueError: If it is less than ``low``.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f'{name} must be an integer, got {value!r}')
    if value < low:
        raise ValueError(f'{name} must be at least {low}, got {value}')
    return value


def interval(name: str, value: Sequence[float], low: float = -math.inf,
             high: float = math.inf) -> tuple[float, float]:
    """Return ``value`` as two floats ``(a, b)`` if low <= a <= b <= high.

    Raises:
        TypeError: If it is not a pair of numbers.
        ValueError: If a > b or one of them is outside the bounds.
    """
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 2:
        raise TypeError(f'{name} must be a pair (min, max), got {value!r}')
    first, last = (number(f'{name}[{i}]', item, low, high) for i, item in enumerate(value))
    if first > last:
        raise ValueError(f'{name} must be (min, max) with min <= max, got {value!r}')
    return first, last


def image_size(name: str, value: int | Sequence[int]) -> tuple[int, int]:
    """Return ``value``, an integer or a pair (height, width), as (height, width) in pixels.

    Raises:
        TypeError: If it is neither.
        ValueError: If a side is less than 1.
    """
    if isinstance(value, int):
        return count(name, value), value
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 2:
        raise TypeError(f'{name} must be an integer or a pair (height, width), got {value!r}')
    return count(f'{name}[0]', value[0]), count(f'{name}[1]', value[1])


def one_of(name: str, value: str, choices) -> str:
    """Return ``value`` if it is among ``choices``.

    Raises:
        ValueError: If it is not; the message lists the choices.
    """
    if value not in choices:
        raise ValueError(f'{name} must be one of {sorted(choices)}, got {value!r}')
    return value
