"""Timescales of features: runs, dwell, half-life, switches. One definition each.

All functions read a code whose rows are the steps of whole sequences, and the `Segments` of these
sequences. A step is a row; to get seconds, multiply with the sequence's `step`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from sparsetime.codes import SparseCode
from sparsetime.errors import DataError
from sparsetime.features import numba_loops
from sparsetime.segments import Segments

MAX_LAG = 512
_EVERY_LAG_UP_TO = 64
_LAGS_AN_OCTAVE = 8


@dataclass(frozen=True)
class FeatureColumns:
    """A code in compressed columns (CSC): entries sorted by feature, then by row.

    offsets: int64 [width + 1]; rows: int64 [entries]; values: float64 [entries];
    order: int64 [entries], the place of each entry in the code.
    """

    offsets: Int[np.ndarray, " width_plus_1"]
    rows: Int[np.ndarray, " entries"]
    values: Float[np.ndarray, " entries"]
    order: Int[np.ndarray, " entries"]

    @property
    def features(self) -> Int[np.ndarray, " entries"]:
        """The feature of every entry."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))


@dataclass(frozen=True)
class Runs:
    """Unbroken runs of active steps, sorted by feature, then by start.

    feature, start (row), length (steps): int64 [runs]. No run crosses two sequences.
    """

    feature: Int[np.ndarray, " runs"]
    start: Int[np.ndarray, " runs"]
    length: Int[np.ndarray, " runs"]


@dataclass(frozen=True)
class HalfLives:
    """steps: float64 [width], NaN where undefined; censored: the value is a lower bound."""

    steps: Float[np.ndarray, " width"]
    censored: Bool[np.ndarray, " width"]


def feature_columns(code: SparseCode) -> FeatureColumns:
    """The entries by feature, then row, in time linear in the entries."""
    features = code.indices.numpy().astype(np.int64, copy=False)
    offsets, order = numba_loops.sort_by_feature(features, code.width)
    rows = code.row_of_entry.numpy()[order]
    values = code.values.detach().numpy().astype(np.float64)[order]
    return FeatureColumns(offsets, rows, values, order)


def runs(code: SparseCode, segments: Segments) -> Runs:
    """The unbroken runs of steps on which each feature is active.

    Errors: DataError where the segments do not hold the code's rows.
    """
    check_segments(code, segments)
    columns = feature_columns(code)
    feature, row = columns.features, columns.rows
    begins_sequence = np.zeros(code.rows + 1, dtype=bool)
    begins_sequence[segments.numpy_offsets] = True
    same_feature, next_row = feature[1:] == feature[:-1], row[1:] == row[:-1] + 1
    continues = same_feature & next_row & ~begins_sequence[row[1:]]
    first = np.flatnonzero(np.concatenate([[True], ~continues])) if len(row) else row
    length = np.diff(np.append(first, len(row)))
    return Runs(feature[first], row[first], length)


def dwell(feature_runs: Runs, width: int) -> Float[np.ndarray, " width"]:
    """Dwell: mean length of a feature's runs, in steps; NaN for a feature that is never active.

    dwell = (active steps) / (runs), at least 1. A feature that is active independently at each
    step with probability p has the dwell 1 / (1 - p).
    """
    count = np.bincount(feature_runs.feature, minlength=width)
    total = np.bincount(feature_runs.feature, weights=feature_runs.length, minlength=width)
    mean = np.full(width, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean


def half_life(code: SparseCode, segments: Segments, max_lag: int = MAX_LAG) -> HalfLives:
    """Half-life: the lag, in steps, at which a feature's autocorrelation first falls to one half.

    With f_t the activation value at step t (0 where inactive), m and v its mean and variance over
    all steps, and P(L) the pairs of steps that lie L apart in one sequence, the autocorrelation is

        r(L) = sum over P(L) of (f_t - m) (f_{t+L} - m) / (|P(L)| v).

    The half-life is the first lag with r(L) = 0.5, linear between two lags. Lags are all those up
    to 64, and eight per octave beyond. Where r stays above 0.5 up to `max_lag`, or up to the
    longest sequence, the last lag is given and marked as censored. NaN for a feature that does not
    vary, and where no sequence has two steps.

    Autocorrelation of this kind: Box, Jenkins, Reinsel, Ljung, Time Series Analysis (5th ed.,
    section 2.1.4), with the mean over pairs in place of the sum over the series.
    """
    check_segments(code, segments)
    offsets, lengths = segments.numpy_offsets, segments.numpy_lengths
    longest = int(lengths.max(initial=0))
    lags = autocorrelation_lags(min(max_lag, longest - 1))
    in_order = np.sort(lengths)[::-1]
    above = np.searchsorted(-in_order, -lags, side="left")  # sequences longer than the lag
    pairs = np.concatenate([[0], np.cumsum(in_order)])[above] - above * lags
    columns = feature_columns(code)
    steps, censored = numba_loops.half_lives(
        columns.offsets,
        columns.rows,
        columns.values,
        np.repeat(offsets[:-1], lengths),
        np.repeat(offsets[1:], lengths),
        np.zeros(code.rows, dtype=np.int64),  # one group of rows, drawn once
        lags,
        pairs[None].astype(float),
        np.array([float(code.rows)]),
        np.ones((1, 1)),
    )
    return HalfLives(steps[0], censored)


def switches(feature_runs: Runs, segments: Segments, width: int) -> Int[np.ndarray, " width"]:
    """Switches: how often each feature becomes active or inactive between neighbouring steps.

    The first step of a sequence switches nothing on, its last nothing off.
    """
    on = ~np.isin(feature_runs.start, segments.numpy_offsets)
    off = ~np.isin(feature_runs.start + feature_runs.length, segments.numpy_offsets)
    both = np.bincount(feature_runs.feature, weights=on.astype(float) + off, minlength=width)
    return both.astype(np.int64)


def neighbouring_pairs(segments: Segments) -> int:
    """Pairs of neighbouring steps within a sequence, summed over all sequences."""
    return int(np.maximum(segments.numpy_lengths - 1, 0).sum())


def autocorrelation_lags(last: int) -> Int[np.ndarray, " lags"]:
    """Lags of the half-life: every one up to 64, and eight per octave up to `last`."""
    lags = np.arange(1, min(last, _EVERY_LAG_UP_TO) + 1)
    if last <= _EVERY_LAG_UP_TO:
        return lags
    octaves = np.log2(last / _EVERY_LAG_UP_TO)
    further = np.geomspace(_EVERY_LAG_UP_TO, last, 1 + int(np.ceil(octaves * _LAGS_AN_OCTAVE)))
    return np.unique(np.concatenate([lags, np.rint(further).astype(np.int64)]))


def check_segments(code: SparseCode, segments: Segments) -> None:
    """Errors: DataError where the segments do not hold the code's rows."""
    if segments.rows != code.rows:
        raise DataError(
            f"got segments of {segments.rows} rows for a code of {code.rows} rows; segments must "
            "ascend from 0 to the code's rows"
        )
