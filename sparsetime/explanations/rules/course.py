"""The course that onset and stay rules predict, and its agreement with a feature's own runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Int
from numba import njit
from scipy.stats import spearmanr

WITHIN = 2  # steps
FEWEST = 8  # matched runs of which lengths are compared


@final
@dataclass(frozen=True, eq=False)
class Course:
    """Runs of steps, ascending. start: the first row of each; length: in steps."""

    start: Int[np.ndarray, " runs"]
    length: Int[np.ndarray, " runs"]


def predicted_course(
    onset: Bool[np.ndarray, " rows"],
    stay: Bool[np.ndarray, " rows"],
    first: Bool[np.ndarray, " rows"],
    counted: Bool[np.ndarray, " rows"],
) -> Course:
    """The runs of a state that the rules switch on and keep on.

        on(t) = stay(t) if on(t - 1) else onset(t),   on = off before a sequence

    first: whether a row is the first of its sequence. counted: rows outside are off.
    """
    return Course(*_runs(_states(onset, stay, first, counted), first))


def own_course(active: Bool[np.ndarray, " rows"], first: Bool[np.ndarray, " rows"]) -> Course:
    """The runs of active rows; none crosses two sequences."""
    return Course(*_runs(active, first))


def timing_f1(
    own: Course, predicted: Course, sequence: Int[np.ndarray, " rows"], within: int = WITHIN
) -> float:
    """F1 of onsets: 2 matched / (own + predicted), matched one to one at most `within` steps apart.

    NaN where neither has an onset.
    """
    total = len(own.start) + len(predicted.start)
    if not total:
        return float("nan")
    return 2 * len(_matched(own.start, predicted.start, sequence, within)[0]) / total


def duration_correlation(
    own: Course, predicted: Course, sequence: Int[np.ndarray, " rows"], within: int = WITHIN
) -> float:
    """Rank correlation (Spearman) of the lengths of runs whose onsets match; see `timing_f1`.

    NaN for fewer than 8 matches, and where the feature's own lengths do not vary; 0 where only the
    predicted ones do not, since they then say nothing.
    """
    a, b = _matched(own.start, predicted.start, sequence, within)
    if len(a) < FEWEST:
        return float("nan")
    lengths, predicted_lengths = own.length[a], predicted.length[b]
    if np.ptp(lengths) == 0:
        return float("nan")
    if np.ptp(predicted_lengths) == 0:
        return 0.0
    return float(spearmanr(lengths, predicted_lengths).statistic)


def _runs(
    on: Bool[np.ndarray, " rows"], first: Bool[np.ndarray, " rows"]
) -> tuple[Int[np.ndarray, " runs"], Int[np.ndarray, " runs"]]:
    row = np.flatnonzero(on)
    begins = ~on[row - 1] | first[row] if len(row) else np.zeros(0, dtype=bool)
    if len(row) and row[0] == 0:
        begins[0] = True
    at = np.flatnonzero(begins)
    return row[at], np.diff(np.append(at, len(row)))


def _switched(
    onset: Bool[np.ndarray, " rows"],
    stay: Bool[np.ndarray, " rows"],
    first: Bool[np.ndarray, " rows"],
    counted: Bool[np.ndarray, " rows"],
) -> Bool[np.ndarray, " rows"]:
    on = np.zeros(len(onset), np.bool_)
    state = False
    for row in range(len(onset)):
        if first[row] or not counted[row]:
            state = False
        if counted[row]:
            state = stay[row] if state else onset[row]
            on[row] = state
    return on


def _match_onsets(
    own: Int[np.ndarray, " own"],
    predicted: Int[np.ndarray, " predicted"],
    sequence: Int[np.ndarray, " rows"],
    within: int,
) -> tuple[Int[np.ndarray, " matched"], Int[np.ndarray, " matched"]]:
    """Places of matched onsets, one to one, in order: the earliest that are near enough."""
    a = np.empty(len(own), np.int64)
    b = np.empty(len(own), np.int64)
    i, j, matched = 0, 0, 0
    while i < len(own) and j < len(predicted):
        apart = own[i] - predicted[j]
        if abs(apart) <= within and sequence[own[i]] == sequence[predicted[j]]:
            a[matched], b[matched] = i, j
            matched += 1
            i += 1
            j += 1
        elif apart < 0:
            i += 1
        else:
            j += 1
    return a[:matched], b[:matched]


_states = njit(cache=True, nogil=True)(_switched)
_matched = njit(cache=True, nogil=True)(_match_onsets)
