"""Search for the coefficient that gives a target L0, for recipes without k."""

from __future__ import annotations

import math
from collections.abc import Callable

from sparsetime.errors import DataError


def search_coefficient(
    l0_of: Callable[[float], float],
    target: float,
    low: float,
    high: float,
    tolerance: float = 0.03,
    tries: int = 10,
) -> float:
    """Coefficient c between `low` and `high` with l0_of(c) near `target`, by bisection of log c.

    `l0_of` must be monotonic, falling or rising. The search ends at a relative distance of
    `tolerance` from the target, or after `tries` with the nearest coefficient so far.

    Errors: DataError where the target is not between the L0 of the two ends.
    """
    tried = {low: l0_of(low), high: l0_of(high)}
    falls = tried[low] > tried[high]
    if not min(tried.values()) <= target <= max(tried.values()):
        raise DataError(
            f"no coefficient between {low:g} and {high:g} gives an L0 of {target:g}: it is "
            f"{tried[low]:.1f} at {low:g} and {tried[high]:.1f} at {high:g}. Widen the range"
        )
    for _ in range(tries):
        best = min(tried, key=lambda at: abs(math.log(max(tried[at], 1e-9) / target)))
        if abs(tried[best] / target - 1) <= tolerance:
            break
        middle = math.sqrt(low * high)
        tried[middle] = l0_of(middle)
        if (tried[middle] > target) == falls:
            low = middle
        else:
            high = middle
    return min(tried, key=lambda at: abs(tried[at] - target))
