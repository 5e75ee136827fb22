"""Numba loop of SynthSAEBench: which features are active on each row, and their values."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float, Int
from numba import njit

# Rows whose entries the first buffer holds at this mean L0; it doubles where they are more.
_ENTRIES_PER_ROW = 64
# Larger than the rounding of a score in float32.
_ROUNDING = 1e-5


@njit(cache=True, nogil=True)
def _exceeds(tail: float, score: float, largest_score: Float[np.ndarray, " 256"]) -> bool:
    """Whether a normal draw with this upper tail probability is above `score`.

    The two scores around the tail decide nearly always; else the error function does.
    """
    bucket = int(256 * tail)
    if score >= largest_score[bucket]:
        return False
    if bucket < 255 and score < largest_score[bucket + 1] - _ROUNDING:
        return True
    return tail < 0.5 * math.erfc(score * math.sqrt(0.5))


# Sums in any order, so that they run in vectors.
@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _conditional_score(
    feature: int,
    row: int,
    common: Float[np.ndarray, "rows rank"],
    factors: Float[np.ndarray, "features rank"],
    thresholds: Float[np.ndarray, " features"],
) -> float:
    """The score that a feature's own normal draw has to exceed, on a row."""
    shared = np.float32(0)
    for axis in range(common.shape[1]):
        shared += common[row, axis] * factors[feature, axis]
    score: float = thresholds[feature] - shared
    return score


@njit(cache=True, nogil=True)
def _sort_row(indices: Int[np.ndarray, " entries"], values: Float[np.ndarray, " entries"]) -> None:
    """Insertion sort by index: a row has few entries, most of them in order."""
    for n in range(1, indices.shape[0]):
        index, value, at = indices[n], values[n], n
        while at > 0 and indices[at - 1] > index:
            indices[at], values[at] = indices[at - 1], values[at - 1]
            at -= 1
        indices[at], values[at] = index, value


@njit(cache=True, nogil=True)
def _mark_possible(
    scores: Float[np.ndarray, " some"],
    buckets: Int[np.ndarray, " some"],
    largest_score: Float[np.ndarray, " 256"],
    marks: Int[np.ndarray, " some_and_rest"],
) -> None:
    """Whether a draw can exceed its score; apart from its use, so that it runs in vectors."""
    for n in range(scores.shape[0]):
        marks[n] = scores[n] < largest_score[buckets[n]]


@njit(cache=True, nogil=True)
def active_features(
    generator: np.random.Generator,
    scores: Float[np.ndarray, "rows some"],
    buckets: Int[np.ndarray, "rows some"],
    largest_score: Float[np.ndarray, " 256"],
    unconditional: Int[np.ndarray, " some"],
    common: Float[np.ndarray, "rows rank"],
    factors: Float[np.ndarray, "features rank"],
    thresholds: Float[np.ndarray, " features"],
    first_child: Int[np.ndarray, " features"],
    children: Int[np.ndarray, " features"],
    mean: Float[np.ndarray, " features"],
    spread: Float[np.ndarray, " features"],
) -> tuple[
    Int[np.ndarray, " rows_plus_1"],
    Int[np.ndarray, " entries"],
    Float[np.ndarray, " entries"],
]:
    """Offsets, indices and values of the active features of all rows.

    scores: [rows, unconditional], the score that a normal draw has to exceed. buckets: random
    bytes of the same shape; byte b says that the draw's upper tail is within [b, b + 1) / 256, and
    largest_score[b] is the largest score at which such a draw can exceed it. So one comparison
    with a byte rules out nearly all features, and only the few others cost a draw and an error
    function.
    """
    rows, count = scores.shape
    offsets = np.zeros(rows + 1, np.int64)
    indices = np.empty(rows * _ENTRIES_PER_ROW, np.int64)
    values = np.empty(rows * _ENTRIES_PER_ROW, np.float32)
    row_indices = np.empty(thresholds.shape[0], np.int64)
    row_values = np.empty(thresholds.shape[0], np.float32)
    marks = np.zeros((count + 7) // 8 * 8, np.uint8)
    eight_marks = marks.view(np.uint64)
    for row in range(rows):
        active = 0
        _mark_possible(scores[row], buckets[row], largest_score, marks)
        for word in range(eight_marks.shape[0]):
            if eight_marks[word] == 0:
                continue
            for n in range(8 * word, 8 * word + 8):
                if marks[n] == 0:
                    continue
                tail = (buckets[row, n] + generator.random()) / 256
                if not _exceeds(tail, scores[row, n], largest_score):
                    continue
                feature = unconditional[n]
                value = mean[feature] + spread[feature] * generator.standard_normal()
                if value > 0:
                    row_indices[active], row_values[active] = feature, value
                    active += 1
        # The list grows while it is read: children of children follow.
        parent_at = 0
        while parent_at < active:
            parent, scale = row_indices[parent_at], row_values[parent_at]
            scale /= mean[parent]
            parent_at += 1
            candidates = 0
            for child in range(first_child[parent], first_child[parent] + children[parent]):
                score = _conditional_score(child, row, common, factors, thresholds)
                if not _exceeds(generator.random(), score, largest_score):
                    continue
                value = mean[child] + spread[child] * generator.standard_normal()
                if value <= 0:
                    continue
                # Each of n candidates ends as the one that stays with probability 1 / n.
                candidates += 1
                if generator.random() * candidates < 1:
                    row_indices[active], row_values[active] = child, value * scale
            active += candidates > 0
        start = offsets[row]
        while start + active > indices.shape[0]:
            indices = np.concatenate((indices, np.empty_like(indices)))
            values = np.concatenate((values, np.empty_like(values)))
        _sort_row(row_indices[:active], row_values[:active])
        indices[start : start + active] = row_indices[:active]
        values[start : start + active] = row_values[:active]
        offsets[row + 1] = start + active
    return offsets, indices[: offsets[-1]], values[: offsets[-1]]
