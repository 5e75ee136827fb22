"""Baselines of a label: the best dimension of raw activations, or feature of another index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, final

import numpy as np
from jaxtyping import Float, Int
from numba import njit

from sparsetime.activations.store.stored_sequence import read_rows
from sparsetime.features.feature_entries import FeatureEntries
from sparsetime.features.labels import label_loops
from sparsetime.features.labels.halves import Halves
from sparsetime.features.labels.label_column import LabelColumn
from sparsetime.statistics.estimate import ratio

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store

ROWS_A_SIDE = 50_000
DENSE_LEVELS = 32
_SPARSE_LEVELS = 16
_AT_ONCE = 1024  # features

#: Low and high value of what is detected.
Target = tuple[int, int]


@final
@dataclass(frozen=True)
class BaselineScore:
    """The best detector of a target, chosen on one half: its number, and scores on the other."""

    detector: int
    precision: float
    recall: float
    auroc: float


class Baseline(Protocol):
    """What else might detect a label: counts of rows by level and value, for some detectors."""

    def counts(
        self, column: LabelColumn
    ) -> Iterator[
        tuple[int, Int[np.ndarray, "some levels values"], Int[np.ndarray, "some levels values"]]
    ]:
        """First detector, counts on the choosing half and on the scoring half, level 0 lowest."""


@final
class DenseBaseline:
    """Dimensions of activations or inputs, as detectors of large or of small values.

    At most 50,000 rows of each half are read, evenly spaced; thresholds are 31 quantiles.
    """

    def __init__(
        self,
        read: Callable[[Int[np.ndarray, " rows"]], Float[np.ndarray, "rows d"]],
        halves: Halves,
    ) -> None:
        """read: the values of some rows of the view, ascending; NaN where there are none."""
        self._sides = []
        edges = None
        for side in (halves.choosing, halves.scoring):
            rows = np.flatnonzero(side)
            rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), ROWS_A_SIDE)).astype(int)]
            values = read(rows)
            stored = np.isfinite(values).all(1)
            rows, values = rows[stored], values[stored]
            if edges is None:
                edges = [_edges(column) for column in values.T]
            level = np.empty((values.shape[1], len(rows)), dtype=np.int8)
            for dimension in range(values.shape[1]):
                level[dimension] = np.searchsorted(
                    edges[dimension], values[:, dimension], side="right"
                )
            self._sides.append((rows, level))

    def counts(
        self, column: LabelColumn
    ) -> Iterator[
        tuple[int, Int[np.ndarray, "some levels values"], Int[np.ndarray, "some levels values"]]
    ]:
        """All dimensions at once."""
        sides = [
            _dense_counts(level, column.code[rows], DENSE_LEVELS, len(column.values))
            for rows, level in self._sides
        ]
        yield 0, sides[0], sides[1]


def activations_of(
    view: Store,
) -> Callable[[Int[np.ndarray, " rows"]], Float[np.ndarray, "rows d"]]:
    """What reads the activations of some rows of a view."""
    lengths = view.segments.numpy_lengths
    row = np.repeat(view.first_rows - (np.cumsum(lengths) - lengths), lengths)
    row += np.arange(len(row))
    return lambda rows: read_rows(view.reader, row[rows]).numpy()


@final
class SparseBaseline:
    """Features of another index of the same recordings; thresholds are 16 quantiles."""

    def __init__(self, entries: FeatureEntries, halves: Halves) -> None:
        self._halves = halves
        chosen = entries.on(halves.choosing)
        level, least = label_loops.levels(chosen.offsets, chosen.value, _SPARSE_LEVELS)
        scored = entries.on(halves.scoring)
        self._sides = [(chosen, level), (scored, _level_by(scored, least))]

    def counts(
        self, column: LabelColumn
    ) -> Iterator[
        tuple[int, Int[np.ndarray, "some levels values"], Int[np.ndarray, "some levels values"]]
    ]:
        """1,024 features at a time; level 0 is inactive."""
        steps = [column.steps(side) for side in (self._halves.choosing, self._halves.scoring)]
        for first in range(0, self._sides[0][0].width, _AT_ONCE):
            sides = [
                _sparse_counts(
                    entries.offsets[first : first + _AT_ONCE + 1],
                    *(entries.row, level, _SPARSE_LEVELS, column.code, count),
                )
                for (entries, level), count in zip(self._sides, steps, strict=True)
            ]
            yield first, sides[0], sides[1]


def best_detectors(
    baseline: Baseline, column: LabelColumn, targets: list[Target]
) -> dict[Target, BaselineScore]:
    """For each target the detector with the largest |phi| on the choosing half, scored."""
    low, high = np.array(targets, dtype=int).reshape(-1, 2).T
    best = {target: (0.0, BaselineScore(-1, np.nan, np.nan, np.nan)) for target in targets}
    for first, choosing, scoring in baseline.counts(column):
        hits, fired, positive, rows = _detections(choosing, low, high)
        over = hits * rows - fired[:, :, None] * positive
        under = np.sqrt(fired * (rows - fired))[:, :, None] * np.sqrt(positive * (rows - positive))
        phi = np.nan_to_num(ratio(over, np.broadcast_to(under, over.shape)))
        held_out = _detections(scoring, low, high)
        for at, target in enumerate(targets):
            detector, level = np.unravel_index(np.abs(phi[:, :, at]).argmax(), phi.shape[:2])
            size = float(phi[detector, level, at])
            if abs(size) > best[target][0]:
                values = _scored(scoring, held_out, int(detector), int(level), at, size < 0)
                best[target] = (abs(size), BaselineScore(first + int(detector), *values))
    return {target: score for target, (_, score) in best.items()}


def _edges(values: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " edges"]:
    """Quantiles of the values that are not 0, since a rectified dimension is 0 on most rows."""
    shares = np.arange(DENSE_LEVELS - 1) / (DENSE_LEVELS - 1)
    return np.asarray(np.quantile(values[values != 0] if values.any() else values, shares))


def _detections(
    counts: Int[np.ndarray, "some levels values"],
    low: Int[np.ndarray, " targets"],
    high: Int[np.ndarray, " targets"],
) -> tuple[
    Float[np.ndarray, "some levels targets"],
    Float[np.ndarray, "some levels"],
    Float[np.ndarray, " targets"],
    float,
]:
    """True positives and fired rows of "at this level or above", positives, and all rows."""
    above = counts[:, ::-1].cumsum(1)[:, ::-1].astype(np.float64)
    before = np.concatenate([np.zeros((*above.shape[:2], 1)), above.cumsum(2)], axis=2)
    hits = before[:, :, high + 1] - before[:, :, low]
    return hits, before[:, :, -1], hits[0, 0], float(before[0, 0, -1])


def _scored(
    counts: Int[np.ndarray, "some levels values"],
    detections: tuple[np.ndarray, np.ndarray, np.ndarray, float],
    detector: int,
    level: int,
    at: int,
    small: bool,
) -> tuple[float, float, float]:
    """Precision, recall and AUROC of one detector of large or of small values; levels are ties.

    NaN where the scoring half has no positive, or nothing else.
    """
    hits, fired, positive, rows = detections
    true, active = hits[detector, level, at], fired[detector, level]
    if not 0 < positive[at] < rows:
        return np.nan, np.nan, np.nan
    if small:
        true, active = positive[at] - true, rows - active
    above = np.append(fired[detector], 0.0)
    of_level, hits_of = -np.diff(above), -np.diff(np.append(hits[detector, :, at], 0.0))
    ranks = (hits_of * (rows - above[:-1] + (of_level + 1) / 2)).sum()
    area = (ranks - positive[at] * (positive[at] + 1) / 2) / (positive[at] * (rows - positive[at]))
    precision = float(true / active) if active else np.nan
    return precision, float(true / positive[at]), float(1 - area if small else area)


def _dense_counts_loop(
    level: Int[np.ndarray, "d rows"], code: Int[np.ndarray, " rows"], levels: int, values: int
) -> Int[np.ndarray, "d levels values"]:
    """Rows of every dimension by level and value."""
    counts = np.zeros((len(level), levels, values), dtype=np.int64)
    for dimension in range(len(level)):
        for row in range(len(code)):
            if code[row] >= 0:
                counts[dimension, level[dimension, row], code[row]] += 1
    return counts


def _sparse_counts_loop(
    offsets: Int[np.ndarray, " some_plus_1"],
    row: Int[np.ndarray, " entries"],
    level: Int[np.ndarray, " entries"],
    levels: int,
    code: Int[np.ndarray, " rows"],
    steps: Int[np.ndarray, " values"],
) -> Int[np.ndarray, "some levels_plus_1 values"]:
    """Rows of every feature by level, the largest values last, and value; level 0 is inactive."""
    counts = np.zeros((len(offsets) - 1, levels + 1, len(steps)), dtype=np.int64)
    for feature in range(len(offsets) - 1):
        counts[feature, 0] = steps
        for entry in range(offsets[feature], offsets[feature + 1]):
            at = code[row[entry]]
            if at >= 0:
                counts[feature, levels - level[entry], at] += 1
                counts[feature, 0, at] -= 1
    return counts


def _level_by(entries: FeatureEntries, least: Float[np.ndarray, "width levels"]) -> np.ndarray:
    """The level of every entry by the least values of the choosing half."""
    level = np.empty(len(entries.value), dtype=np.int8)
    last = least.shape[1] - 1
    for feature in range(entries.width):
        some = slice(entries.offsets[feature], entries.offsets[feature + 1])
        finite = np.minimum.accumulate(least[feature])  # levels without an entry are infinite
        above = np.searchsorted(-finite, -entries.value[some], side="left")
        level[some] = np.minimum(above, last)
    return level


_dense_counts = njit(cache=True, nogil=True)(_dense_counts_loop)
_sparse_counts = njit(cache=True, nogil=True)(_sparse_counts_loop)
