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
_FEWEST_PAIRS = 30
_MOST_TAKEN = 0.4
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
    """Memory of features within sequences, and what lies between them. All are [width].

    steps: float64, NaN where undefined; censored: the value is a lower bound. between: share of the
    variance that lies between sequences, NaN where undefined.
    """

    steps: Float[np.ndarray, " width"]
    censored: Bool[np.ndarray, " width"]
    between: Float[np.ndarray, " width"]


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

    Within sequences: with f_t the activation value at step t (0 where inactive), m_s its mean over
    the sequence s of the step, and P(L) the pairs of steps that lie L apart in one sequence,

        r(L) = mean over P(L) of (f_t - m_s) (f_(t+L) - m_s) / mean over t of (f_t - m_s)^2.

    A mean that is taken from the T steps of a sequence takes a part of the memory with it: of the
    variance that a feature of half-life L has around its own mean, Var(m_s) = a_s(L), where

        a_s(L) = (1 + 2 sum_(k < T) (1 - k / T) q^k) / T,    q = 2^(-1 / L).

    So the half-life is the first lag at which r(L) is what a feature of that half-life has,

        r(L) = (1/2 - a(L)) / (1 - a(L)),

    linear between two lags; a is the mean of a_s over pairs above, over steps below. Lags are all
    those up to 64, and eight per octave beyond; not read are lags above `max_lag`, lags of fewer
    than 30 pairs, and those of which a(L) is above 0.4, about a fifth of a sequence. Where no lag
    that is read is low enough, the last one is given and marked as censored. NaN for a feature that
    does not vary within any sequence, and where sequences have fewer than 7 steps.

    Between sequences: with v = sum (f_t - m_s)^2 / (steps (1 - a)), the share of the variance is

        b / (b + v),    b = (sum_s T_s (m_s - m)^2 - v A) / (n - sum_s T_s^2 / n),
        A = sum_s T_s a_s (1 - T_s / n),    n = sum_s T_s,

    the intraclass correlation, with the memory of the half-life in place of independent steps. It
    is about 0, and may be below, where sequences differ no more than memory alone makes them; NaN
    for one sequence.

    Blind to memory that is longer than the sequences: it is a difference between them.

    Sources: autocorrelation: Box, Jenkins, Reinsel, Ljung, Time Series Analysis (5th ed., section
    2.1.4); variance of a mean of dependent steps: section 2.1.5; intraclass correlation: Searle,
    Casella, McCulloch 1992, Variance Components, section 3.6.
    """
    check_segments(code, segments)
    groups = np.zeros(segments.count, dtype=np.int64)  # one group of sequences, drawn once
    drawn = resampled_half_lives(code, segments, groups, np.ones((1, 1)), max_lag)
    return HalfLives(drawn.steps[0], drawn.censored, drawn.between[0])


@dataclass(frozen=True)
class ResampledHalfLives:
    """`HalfLives` of draws of sequences. censored: of the first draw."""

    steps: Float[np.ndarray, "draws width"]
    censored: Bool[np.ndarray, " width"]
    between: Float[np.ndarray, "draws width"]


def resampled_half_lives(
    code: SparseCode,
    segments: Segments,
    group: Int[np.ndarray, " sequences"],
    weights: Float[np.ndarray, "draws groups"],
    max_lag: int = MAX_LAG,
) -> ResampledHalfLives:
    """`half_life` where every group of sequences counts as often as its weight, for every draw."""
    lengths = segments.numpy_lengths
    lags = autocorrelation_lags(min(max_lag, int(lengths.max(initial=0)) - 1))
    left = np.maximum(lengths[:, None] - lags, 0).astype(float)
    over_pairs, over_steps, for_means = _taken_by_means(lengths, lags, left)
    readable = (left.sum(axis=0) >= _FEWEST_PAIRS) & (over_pairs[1:] <= _MOST_TAKEN)
    count = len(lags) if readable.all() else int(np.argmin(readable))
    lags, left = lags[:count], left[:, :count]
    levels = (0.5 - over_pairs[1:]) / (1 - over_steps[1:])
    groups = weights.shape[1]
    pairs, steps, squares = np.zeros((groups, count)), np.zeros(groups), np.zeros(groups)
    np.add.at(pairs, group, left)
    np.add.at(steps, group, lengths)
    np.add.at(squares, group, lengths.astype(float) ** 2)
    columns = feature_columns(code)
    found, censored, within, between = numba_loops.half_lives(
        columns.offsets,
        columns.rows,
        columns.values,
        np.repeat(np.arange(len(lengths)), lengths),
        segments.numpy_offsets,
        group,
        lags,
        levels[:count],
        weights @ pairs,
        weights @ steps,
        weights,
    )
    # At the lag 0 a step has no memory, which is read as a half-life of half a step.
    at = np.append(0.5, lags)
    memory = np.nan_to_num(found, nan=0.5)
    counted = weights @ steps
    freedom = counted[:, None] * (1 - np.interp(memory, at, over_steps[: count + 1]))
    variance = np.divide(within, freedom, out=np.zeros(within.shape), where=freedom > 0)
    apart = between - variance * np.interp(memory, at, for_means[: count + 1])
    apart /= np.maximum(counted - weights @ squares / np.maximum(counted, 1), 1e-12)[:, None]
    whole = apart + variance
    share = np.full(whole.shape, np.nan)
    if (lengths > 0).sum() > 1:
        np.divide(apart, whole, out=share, where=whole > 0)
    return ResampledHalfLives(found, censored, share)


def _taken_by_means(
    lengths: Int[np.ndarray, " sequences"],
    lags: Int[np.ndarray, " lags"],
    pairs: Float[np.ndarray, "sequences lags"],
) -> tuple[Float[np.ndarray, " lags_plus_1"], ...]:
    """a_s of `half_life` for features without memory, then of each lag as the half-life.

    Its mean over pairs at that lag, its mean over steps, and sum_s T_s a_s (1 - T_s / n).
    """
    decay = np.append(0.0, 2.0 ** (-1.0 / lags))[:, None]
    sizes, place = np.unique(np.maximum(lengths, 1), return_inverse=True)
    # sum_(k=1)^(T-1) (1 - k / T) q^k in closed form.
    tail = decay / (1 - decay) - decay * (1 - decay**sizes) / (sizes * (1 - decay) ** 2)
    taken = ((1 + 2 * tail) / sizes)[:, place]
    rows = max(float(lengths.sum()), 1.0)
    counted = np.column_stack([lengths, pairs]).T
    over_pairs = (taken * counted).sum(axis=1) / np.maximum(counted.sum(axis=1), 1)
    over_steps = (taken * lengths).sum(axis=1) / rows
    return over_pairs, over_steps, (taken * lengths * (1 - lengths / rows)).sum(axis=1)


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
