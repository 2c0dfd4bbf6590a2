"""What a number must be to be computed with."""

from numbers import Integral, Real
from typing import Any


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_positive(value: Any) -> bool:
    """Whether a value is a number above 0; True and NaN are none."""
    return isinstance(value, Real) and not isinstance(value, bool) and value > 0
