"""Numba loops over events: activations around onsets, and onsets shifted within recordings."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from numba import njit


def _count_around(
    offsets: Int[np.ndarray, " rows_plus_1"],
    feature: Int[np.ndarray, " entries"],
    onset: Int[np.ndarray, " events"],
    begin: Int[np.ndarray, " events"],
    end: Int[np.ndarray, " events"],
    before: int,
    counts: Int[np.ndarray, "lags width"],
    seen: Int[np.ndarray, " lags"],
) -> None:
    """Fill `counts` with the events at which each feature is active at each lag from -before on.

    offsets, feature: the entries by row. begin, end: rows of each event's recording. seen: events
    whose recording has the lag.
    """
    counts[:] = 0
    seen[:] = 0
    for event in range(len(onset)):
        first = onset[event] - before
        for lag in range(len(counts)):
            row = first + lag
            if row < begin[event] or row >= end[event]:
                continue
            seen[lag] += 1
            for entry in range(offsets[row], offsets[row + 1]):
                counts[lag, feature[entry]] += 1


def _largest_deviation(
    counts: Int[np.ndarray, "lags width"],
    seen: Int[np.ndarray, " lags"],
    rate: Float[np.ndarray, " width"],
    largest: Float[np.ndarray, " width"],
    total: Float[np.ndarray, " width"],
    squares: Float[np.ndarray, " width"],
) -> None:
    """Largest |count - n rate| / sqrt(n rate (1 - rate)) over lags, and sums over lags for a band.

    total and squares grow by the sums of count / n and of its square.
    """
    largest[:] = 0.0
    for lag in range(len(counts)):
        n = seen[lag]
        if n == 0:
            continue
        for at in range(counts.shape[1]):
            share = counts[lag, at] / n
            total[at] += share
            squares[at] += share * share
            spread = rate[at] * (1.0 - rate[at]) / n
            if spread > 0.0:
                z = abs(share - rate[at]) / np.sqrt(spread)
                if z > largest[at]:
                    largest[at] = z


count_around = njit(cache=True)(_count_around)
largest_deviation = njit(cache=True)(_largest_deviation)
