"""Activation values as whole percent of a feature's largest value, as all pages draw them."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

_LEAST_PEAK = 1e-12  # where an index holds no peak, so that nothing is divided by zero


def percent_of_peak(
    value: Float[np.ndarray, "*shape"], peak: Float[np.ndarray, "*shape"] | float
) -> Int[np.ndarray, "*shape"]:
    """clip(round(100 |value| / peak), 1, 100) where a feature is active, and 0 elsewhere.

    At least 1, so that every active step is drawn. At most 100, because a value that is computed
    again may exceed the peak of the index by rounding. Halves are rounded to even.
    """
    share = 100 * np.abs(value) / np.maximum(peak, _LEAST_PEAK)
    percent: Int[np.ndarray, "*shape"] = np.where(
        value == 0, 0, np.clip(np.rint(share), 1, 100)
    ).astype(np.int64)
    return percent
