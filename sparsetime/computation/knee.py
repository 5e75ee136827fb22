"""Knee of a sweep of sparsities: where the loss begins to rise, by two rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from sparsetime.errors import DataError


@final
@dataclass(frozen=True)
class Knee:
    """Where the loss begins to rise with sparsity.

    by_budget: the largest sparsity whose increase is within the budget. by_chord: the sparsity at
    the largest distance below the chord. The two differ: with a better model a budget is used up
    earlier, while the shape of the curve may stay.
    """

    by_budget: float
    by_chord: float


def knee(sparsities: Sequence[float], increases: Sequence[float], budget: float) -> Knee:
    """The knee of a curve of loss increase by sparsity.

        by_budget = largest s with increase(s') <= budget for all s' <= s, interpolated linearly
        by_chord  = argmax over s of chord(s) - increase(s),  chord: from first to last point

    sparsities: ascending, at least three. increases: at each. budget: the most increase in loss
    that is accepted, such as 1% of the dense loss.

    Source: the threshold of Jaiswal et al. 2023, The Emergence of Essential Sparsity; Satopää et
    al. 2011, Finding a "Kneedle" in a Haystack.

    Errors: DataError for fewer than three points, sparsities that do not ascend, or values that
    are not finite.
    """
    s, rise = np.asarray(sparsities, dtype=float), np.asarray(increases, dtype=float)
    if len(s) < 3 or s.shape != rise.shape or not bool((np.diff(s) > 0).all()):
        raise DataError(
            f"got the sparsities {list(sparsities)} with {len(rise)} increases, expected at least "
            "three that ascend, each with an increase"
        )
    if not np.isfinite(rise).all():
        raise DataError(f"got the increases {list(increases)}, expected finite numbers")
    beyond = np.flatnonzero(rise > budget)
    if not len(beyond):
        by_budget = s[-1]
    elif beyond[0] == 0:
        by_budget = s[0]
    else:
        last, first = beyond[0] - 1, beyond[0]
        share = (budget - rise[last]) / (rise[first] - rise[last])
        by_budget = s[last] + share * (s[first] - s[last])
    chord = rise[0] + (rise[-1] - rise[0]) * (s - s[0]) / (s[-1] - s[0])
    return Knee(float(by_budget), float(s[np.argmax(chord - rise)]))
