"""Numba loops over the entries of features: choice of a detector, its scores, and their null.

A label's `code` holds the number of the value of every row, -1 where the row counts nowhere.
A detector of the values `low` to `high` fires where |activation value| >= its threshold.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int, Shaped
from numba import njit


def _levels(
    offsets: Int[np.ndarray, " width_plus_1"], value: Float[np.ndarray, " entries"], count: int
) -> tuple[Int[np.ndarray, " entries"], Float[np.ndarray, "width count"]]:
    """Quantile of every entry among its feature's (0: the largest), and each one's least value.

    Equal values have one level.
    """
    width = len(offsets) - 1
    level = np.empty(len(value), dtype=np.int8)
    least = np.full((width, count), np.inf, dtype=np.float32)
    for feature in range(width):
        first, stop = offsets[feature], offsets[feature + 1]
        for entry in range(first, stop):
            if entry > first and value[entry] == value[entry - 1]:
                level[entry] = level[entry - 1]
            else:
                level[entry] = (entry - first) * count // (stop - first)
            least[feature, level[entry]] = value[entry]
    return level, least


def _choose(
    offsets: Int[np.ndarray, " width_plus_1"],
    row: Int[np.ndarray, " entries"],
    level: Int[np.ndarray, " entries"],
    levels: int,
    code: Int[np.ndarray, " rows"],
    steps: Int[np.ndarray, " values"],
    least: int,
    ordered: bool,
) -> tuple[
    Int[np.ndarray, " width"],
    Int[np.ndarray, " width"],
    Int[np.ndarray, " width"],
    Float[np.ndarray, " width"],
]:
    """Each feature's value (or range of ordered values) and level of largest correlation.

    steps: rows with each value. least: the first value that may be chosen. Returned are low, high,
    level and phi; -1 and 0 without any.
    """
    width, values = len(offsets) - 1, len(steps)
    low, high, chosen = (
        np.full(width, -1, dtype=np.int32),
        np.full(width, -1, dtype=np.int32),
        np.full(width, -1, dtype=np.int32),
    )
    best = np.zeros(width)
    before = np.zeros(values + 1)
    before[1:] = np.cumsum(steps)
    rows = before[values]
    hits = np.zeros((levels, values + 1))
    for feature in range(width):
        if offsets[feature] == offsets[feature + 1]:
            continue
        hits[:] = 0.0
        for entry in range(offsets[feature], offsets[feature + 1]):
            at = code[row[entry]]
            if at >= 0:
                hits[level[entry], at + 1] += 1.0
        for here in range(levels):
            for at in range(values):
                hits[here, at + 1] += hits[here, at]
            if here > 0:
                hits[here] += hits[here - 1]
            fired = hits[here, values]
            if fired == 0.0 or (here > 0 and fired == hits[here - 1, values]):
                continue
            for a in range(least, values):
                for b in range(a, values if ordered else a + 1):
                    positive = before[b + 1] - before[a]
                    # phi = (TP N - fired P) / sqrt(fired P (N - fired) (N - P))
                    over = (hits[here, b + 1] - hits[here, a]) * rows - fired * positive
                    if over <= 0.0 or positive == rows or fired == rows:
                        continue
                    phi = over / np.sqrt(fired * (rows - fired))
                    phi /= np.sqrt(positive * (rows - positive))
                    if phi > best[feature]:
                        best[feature] = phi
                        low[feature], high[feature], chosen[feature] = a, b, here
    return low, high, chosen, best


def _score(
    offsets: Int[np.ndarray, " width_plus_1"],
    row: Int[np.ndarray, " entries"],
    value: Float[np.ndarray, " entries"],
    code: Int[np.ndarray, " rows"],
    steps: Int[np.ndarray, " values"],
    low: Int[np.ndarray, " width"],
    high: Int[np.ndarray, " width"],
    threshold: Float[np.ndarray, " width"],
) -> tuple[
    Float[np.ndarray, "4 width"], Float[np.ndarray, " entries"], Float[np.ndarray, "width values"]
]:
    """Counts of every detector, the rank of every entry, and the activation of every value.

    Counts are true positives, fired, active, and the sum of ranks of active positives. The rank is
    the mid-rank of |activation value| among all rows with the label, above that of inactive rows.
    """
    width, values = len(offsets) - 1, len(steps)
    counts = np.zeros((4, width))
    rank = np.zeros(len(row), dtype=np.float32)
    active = np.zeros((width, values), dtype=np.float32)
    rows = 0.0
    for n in steps:
        rows += n
    for feature in range(width):
        first, stop = offsets[feature], offsets[feature + 1]
        labelled = 0
        for entry in range(first, stop):
            at = code[row[entry]]
            if at >= 0:
                labelled += 1
                active[feature, at] += 1.0
        counts[2, feature] = labelled
        of_inactive = (rows - labelled + 1) / 2
        above, entry = 0, first
        while entry < stop:
            end, ties = entry, 0
            while end < stop and value[end] == value[entry]:
                ties += code[row[end]] >= 0
                end += 1
            here = rows - (2 * above + ties - 1) / 2 - of_inactive
            for tied in range(entry, end):
                at = code[row[tied]]
                if at < 0:
                    continue
                rank[tied] = here
                positive = low[feature] <= at <= high[feature]
                if value[tied] >= threshold[feature]:
                    counts[0, feature] += positive
                    counts[1, feature] += 1
                if positive:
                    counts[3, feature] += here
            above += ties
            entry = end
    return counts, rank, active


def _draw_codes(
    track: Shaped[np.ndarray, " places"],
    begins: Int[np.ndarray, " units_plus_1"],
    weight: Int[np.ndarray, " places"],
    source: Int[np.ndarray, "draws units"],
    shift: Float[np.ndarray, "draws units"],
    codes: Shaped[np.ndarray, "places draws"],
    steps: Float[np.ndarray, "values draws"],
) -> None:
    """Fill `codes` with the track of another unit, circularly shifted, and count its values."""
    draws = len(source)
    at, first, stop = (
        np.empty(draws, dtype=np.int64),
        np.empty(draws, dtype=np.int64),
        np.empty(draws, dtype=np.int64),
    )
    steps[:] = 0.0
    for unit in range(len(begins) - 1):
        for draw in range(draws):
            other = source[draw, unit]
            first[draw], stop[draw] = begins[other], begins[other + 1]
            at[draw] = first[draw] + int(shift[draw, unit] * (stop[draw] - first[draw]))
        for place in range(begins[unit], begins[unit + 1]):
            for draw in range(draws):
                drawn = track[at[draw]]
                codes[place, draw] = drawn
                steps[drawn, draw] += weight[place]
                at[draw] += 1
                if at[draw] == stop[draw]:
                    at[draw] = first[draw]


def _sum_positive(
    offsets: Int[np.ndarray, " width_plus_1"],
    place: Int[np.ndarray, " entries"],
    weight: Float[np.ndarray, " entries"],
    codes: Shaped[np.ndarray, "places draws"],
    low: Shaped[np.ndarray, " width"],
    high: Shaped[np.ndarray, " width"],
) -> Float[np.ndarray, "width draws"]:
    """Sum of the weights of each feature's entries whose drawn code lies in its range."""
    width, draws = len(offsets) - 1, codes.shape[1]
    sums = np.zeros((width, draws), dtype=np.float32)
    for feature in range(width):
        a, b, total = low[feature], high[feature], sums[feature]
        if a < 0:
            continue
        for entry in range(offsets[feature], offsets[feature + 1]):
            drawn, w = codes[place[entry]], weight[entry]
            for draw in range(draws):
                total[draw] += w if a <= drawn[draw] <= b else np.float32(0)
    return sums


def _sum_by_unit(
    offsets: Int[np.ndarray, " width_plus_1"],
    unit: Int[np.ndarray, " entries"],
    weight: Float[np.ndarray, " entries"],
    units: int,
) -> tuple[
    Int[np.ndarray, " width_plus_1"], Int[np.ndarray, " pairs"], Float[np.ndarray, " pairs"]
]:
    """Sum the weights of each feature's entries of one unit: offsets, units and sums."""
    width = len(offsets) - 1
    begins = np.zeros(width + 1, dtype=np.int64)
    units_of, sums_of = np.empty(len(unit), dtype=np.int32), np.empty(len(unit), dtype=np.float32)
    sums, pairs = np.zeros(units), 0
    for feature in range(width):
        for entry in range(offsets[feature], offsets[feature + 1]):
            sums[unit[entry]] += weight[entry]
        for entry in range(offsets[feature], offsets[feature + 1]):
            at = unit[entry]
            if sums[at] > 0.0:
                units_of[pairs], sums_of[pairs] = at, sums[at]
                sums[at] = 0.0
                pairs += 1
        begins[feature + 1] = pairs
    return begins, units_of[:pairs].copy(), sums_of[:pairs].copy()


levels = njit(cache=True, nogil=True)(_levels)
choose = njit(cache=True, nogil=True)(_choose)
score = njit(cache=True, nogil=True)(_score)
draw_codes = njit(cache=True, nogil=True)(_draw_codes)
sum_positive = njit(cache=True, nogil=True, fastmath=True)(_sum_positive)
sum_by_unit = njit(cache=True, nogil=True)(_sum_by_unit)
