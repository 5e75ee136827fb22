"""Activation values as whole percent of a feature's largest: what every picture draws."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

_LEAST_PEAK = 1e-12  # where an index holds no peak, so that nothing is divided by zero


def percent_of_peak(
    value: Float[np.ndarray, "*shape"], peak: Float[np.ndarray, "*shape"] | float
) -> Int[np.ndarray, "*shape"]:
    """clip(round(100 |value| / peak), 1, 100), for values of active features.

    At least 1, so that what is active is drawn; at most 100, as a value that is computed again may
    exceed the peak of the index by rounding. Halves are rounded to even.
    """
    percent: Int[np.ndarray, "*shape"] = np.clip(np.rint(_share(value, peak)), 1, 100).astype(
        np.int64
    )
    return percent


def percent_of_peak_up(
    value: Float[np.ndarray, "*shape"], peak: Float[np.ndarray, "*shape"] | float
) -> Int[np.ndarray, "*shape"]:
    """ceil(100 |value| / peak), and 0 where a feature is inactive.

    The API's examples are rounded up since 0.1.0; scripts that read them count on it.
    """
    percent: Int[np.ndarray, "*shape"] = np.ceil(_share(value, peak)).astype(np.int64)
    return percent


def _share(
    value: Float[np.ndarray, "*shape"], peak: Float[np.ndarray, "*shape"] | float
) -> Float[np.ndarray, "*shape"]:
    share: Float[np.ndarray, "*shape"] = 100 * np.abs(value) / np.maximum(peak, _LEAST_PEAK)
    return share
