"""Numba loops of the rule search: the best predicate of every condition on a subset of rows."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int
from numba import njit


def _best_predicates(
    codes: Int[np.ndarray, "conditions rows"],
    sizes: Int[np.ndarray, " conditions"],
    ordered: Bool[np.ndarray, " conditions"],
    first_named: Int[np.ndarray, " conditions"],
    weight: Float[np.ndarray, " rows"],
    subset: Bool[np.ndarray, " rows"],
    support: int,
    gain: float,
    most: int,
) -> tuple[
    Float[np.ndarray, " conditions"],
    Int[np.ndarray, "conditions most"],
    Bool[np.ndarray, " conditions"],
]:
    """The values, or the range of bins, with the largest sum of weights, for every condition.

    Sums are over the rows of the subset on which the predicate, or its negation, holds. support:
    rows that every named value must have. gain: the sum that each further value must add. most:
    values of a category that a predicate names. Returned are the sum, -1 where nothing has the
    support; the values, -1 behind the last, or the first and last bin; whether it is negated.
    """
    many = len(codes)
    best = np.full(many, -1.0)
    values = np.full((many, most), -1, np.int32)
    negated = np.zeros(many, np.bool_)
    chosen = np.flatnonzero(subset)
    total = 0.0
    for row in chosen:
        total += weight[row]
    largest = sizes.max() + 1
    sums, counts = np.zeros(largest), np.zeros(largest)
    present = np.empty(largest, np.int32)
    for at in range(many):
        seen = 0
        for row in chosen:
            value = codes[at, row]
            if value >= 0:
                if counts[value] == 0.0:
                    present[seen] = value
                    seen += 1
                sums[value] += weight[row]
                counts[value] += 1.0
        if ordered[at]:
            for first in range(sizes[at]):
                inside, count = 0.0, 0.0
                for last in range(first, sizes[at]):
                    inside += sums[last]
                    count += counts[last]
                    if count >= support and inside > best[at]:
                        best[at], values[at, 0], values[at, 1] = inside, first, last
        else:
            for sign in (1.0, -1.0):
                together = 0.0
                picked = np.full(most, -1, np.int32)
                for place in range(most):
                    top, top_value = gain, -1
                    for k in range(seen):
                        value = present[k]
                        if value < first_named[at] or counts[value] < support:
                            continue
                        taken = False
                        for earlier in range(place):
                            taken |= picked[earlier] == value
                        if not taken and sign * sums[value] > top:
                            top, top_value = sign * sums[value], value
                    if top_value < 0:
                        break
                    together += top
                    picked[place] = top_value
                    score = together - gain * place
                    if sign < 0:
                        score += total
                    if score > best[at]:
                        best[at] = score
                        negated[at] = sign < 0
                        values[at] = picked
        for k in range(seen):
            sums[present[k]], counts[present[k]] = 0.0, 0.0
    return best, values, negated


best_predicates = njit(cache=True, nogil=True)(_best_predicates)
