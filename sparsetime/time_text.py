"""Times and durations as text: as many digits as neighbouring times differ by.

`sparsetime/explorer/web/time_text.js` computes the same in the page; both are tested on the cases
of tests/web/time_text.json. So only operations on doubles are used that are the same in both.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

_SIGNIFICANT = 100  # a step is shown to three significant figures
_MOST = 12  # digits after the point
_MOST_OF_START = 3  # digits after the point that a start may add to those of the step


def time_decimals(step: float, start: float = 0.0) -> int:
    """Digits after the point that tell times `step` apart which begin at `start`."""
    return max(_decimals(step), min(_MOST_OF_START, _decimals(start - math.floor(start))))


def time_text(time: float, step: float, start: float = 0.0) -> str:
    """A time so that it differs from the one a `step` later: 1700000000.1, where :g says 1.7e+09.

    step: the distance of neighbouring times. start: the first of them.
    """
    return _rounded(time, time_decimals(step, start))


def times_text(times: Iterable[float], step: float, start: float = 0.0) -> list[str]:
    """`time_text` of many times."""
    decimals = time_decimals(step, start)
    return [_rounded(time, decimals) for time in times]


def duration_text(duration: float) -> str:
    """A duration to three significant figures without an exponent; four from 1,000 on."""
    size = abs(duration)
    if not math.isfinite(size):
        return "\u2013"
    if size >= 1000:
        return f"{math.floor(duration + 0.5):,}"
    return _rounded(duration, _decimals(_leading(size)) if size else 0)


def _leading(size: float) -> float:
    """A number as it is to three significant figures, by rounding its digits after the point."""
    decimals = 0
    while size * 10**decimals < _SIGNIFICANT and decimals < _MOST:
        decimals += 1
    return float(math.floor(size * 10**decimals + 0.5) / 10**decimals)


def _decimals(number: float) -> int:
    """Digits after the point of a number to three significant figures, without zeros at its end."""
    if not (math.isfinite(number) and number > 0):
        return 0
    decimals = 0
    while number * 10**decimals < _SIGNIFICANT and decimals < _MOST:
        decimals += 1
    digits = math.floor(number * 10**decimals + 0.5)
    while decimals > 0 and digits % 10 == 0:
        digits //= 10
        decimals -= 1
    return decimals


def _rounded(number: float, decimals: int) -> str:
    """A number with these digits after the point; halves are rounded up, as JavaScript can too."""
    return f"{math.floor(number * 10**decimals + 0.5) / 10**decimals:.{decimals}f}"
