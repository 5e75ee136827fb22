"""Null of a label's AUROC: the label's course of another recording, circularly shifted."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from sparsetime import seeds
from sparsetime.features.feature_entries import FeatureEntries
from sparsetime.features.labels import label_loops
from sparsetime.features.labels.halves import Halves
from sparsetime.features.labels.label_column import LabelColumn

_AT_ONCE = 64  # draws; their codes of one row fill a line of the cache
_MOST_CODES = 1 << 26  # drawn at once


def null_auroc(
    entries: FeatureEntries,
    rank: Float[np.ndarray, " entries"],
    active: Float[np.ndarray, " width"],
    column: LabelColumn,
    halves: Halves,
    low: Int[np.ndarray, " width"],
    high: Int[np.ndarray, " width"],
    draws: int,
    seed: int,
) -> Float[np.ndarray, "width draws"]:
    """AUROC of every feature for its value, with the label exchanged among recordings.

    In each draw recording r gets the label of recording pi(r) (pi a random permutation), begun at
    a random step and continued from its start: how long values last stays. One recording is only
    shifted, as a whole, before its scoring blocks are taken: shifted among these alone, the label
    would jump at each of their seams. A label of whole recordings is permuted, and its draws cost a
    sum over recordings.

    entries, rank, active: those of the scoring rows, as `label_loops.score` ranks and counts them.
    """
    scored = halves.scoring & (column.code >= 0)
    rows = np.flatnonzero(scored if halves.unit.any() else column.code >= 0)
    track = column.code[rows]
    _, unit = np.unique(halves.unit[rows], return_inverse=True)
    begins = np.append(np.flatnonzero(np.diff(unit, prepend=-1)), len(rows))
    place_of_row = np.zeros(entries.rows, dtype=np.int32)  # elsewhere the rank is 0
    place_of_row[rows] = np.arange(len(rows))
    offsets, place, weight = entries.offsets, place_of_row[entries.row], rank
    units = len(begins) - 1
    whole = units > 1 and bool((np.diff(track)[np.diff(unit) == 0] == 0).all())
    steps = scored[rows].astype(np.int64)
    if whole:  # a draw then costs recordings, and not steps
        offsets, place, weight = label_loops.sum_by_unit(
            offsets, unit.astype(np.int32)[place], weight, units
        )
        steps, track, begins = np.diff(begins), track[begins[:-1]], np.arange(units + 1)
    rng = seeds.numpy_generator(seed, "exchanged labels")
    source = np.argsort(rng.random((draws, units)), axis=1)
    shift = rng.random((draws, units)) * (not whole)
    dtype = np.int8 if len(column.values) <= np.iinfo(np.int8).max else np.int16
    track, ends = track.astype(dtype), (low.astype(dtype), high.astype(dtype))
    null = np.full((len(low), draws), np.nan, dtype=np.float32)
    at_once = int(np.clip(_MOST_CODES // max(len(track), 1), 1, _AT_ONCE))
    for first in range(0, draws, at_once):
        some = slice(first, min(first + at_once, draws))
        count = some.stop - first
        codes = np.empty((len(track), count), dtype=dtype)
        values = np.empty((len(column.values), count))
        label_loops.draw_codes(track, begins, steps, source[some], shift[some], codes, values)
        ranks = label_loops.sum_positive(offsets, place, weight, codes, *ends)
        before = np.concatenate([np.zeros((1, count)), np.cumsum(values, axis=0)])
        positive = before[high + 1] - before[low]
        null[:, some] = auroc(ranks, positive, active[:, None], int(scored.sum()))
    return null


def auroc(
    ranks: Float[np.ndarray, "*shape"],
    positive: Float[np.ndarray, "*shape"],
    active: Float[np.ndarray, "*#shape"],
    rows: int,
) -> Float[np.ndarray, "*shape"]:
    """AUROC from the sum of ranks of active positives above inactive rows; NaN without a class.

        AUROC = (R - P (P + 1) / 2) / (P (N - P)),   R = ranks + P (N - active + 1) / 2

    P positives of N rows, R the sum of their mid-ranks (Mann-Whitney); inactive rows are tied.
    """
    negative = rows - positive
    whole = ranks + positive * (rows - active + 1) / 2 - positive * (positive + 1) / 2
    out = np.full(np.shape(whole), np.nan)
    both = (positive > 0) & (negative > 0)
    return np.asarray(np.divide(whole, positive * negative, out=out, where=both))
