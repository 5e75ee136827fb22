"""Numbers in the configs of other libraries, where a file may hold anything."""

from __future__ import annotations

from math import isfinite
from typing import Any


def finite_number(value: Any) -> float | None:
    """The value as a float; None for what is no number, and for NaN and infinity."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:  # an integer beyond float64
        return None
    return number if isfinite(number) else None


def positive_integer(value: Any) -> int | None:
    """The value where it is an integer of at least 1, else None."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if value >= 1 else None
