"""Selection on the CPU within a product of 8-bit integers, which is never written to memory.

The loops multiply tiles of 6 rows and 64 latents, or of 16 rows by AMX, and only scores above their
row's bound leave the registers. A bound that was too high for a row shows, and that row is selected
again from the whole product, so that what is selected does not depend on bounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np
from numba import get_num_threads

from sparsetime.kernels import loops
from sparsetime.kernels.quantised_weights import QuantisedWeights, in_panels
from sparsetime.kernels.selection_rules import (
    BatchTopKRule,
    NearTopKRule,
    Rule,
    ThresholdRule,
    TopKRule,
)

# Standard deviations by which the sample has more of the k largest than its share, at most.
_DEVIATIONS = 4
# Rows from which the bound of a batch, and the most entries of a row, are estimated.
_ROWS_OF_ESTIMATE, _KEPT_OF_ESTIMATE = 24, 1 << 10
_OCTAVE = 1 << 23  # by which the bits of a float grow when it doubles
Entries = tuple[np.ndarray, np.ndarray]  # counts [rows], indices [entries]


def applies(rule: Rule, width: int) -> bool:
    """Whether the processor can, and the width and the rule allow it."""
    if not in_panels(width):
        return False
    match rule:
        case TopKRule(k) | NearTopKRule(k, _, False):
            return bool(_rank(min(k, width), width) <= loops.sampled_latents(width) // 4)
        case BatchTopKRule() | ThresholdRule():
            return True
    return False


def _rank(k: int, width: int) -> int:
    """Rank, among the sampled latents, of the score that has most likely k of all above it."""
    share: float = k * loops.sampled_latents(width) / width
    return math.ceil(share + _DEVIATIONS * math.sqrt(share)) + 1


class ProductOfIntegers:
    """Rows and latents as 8-bit integers, of whose product entries are selected."""

    def __init__(self, x: np.ndarray, weight: QuantisedWeights, bias: np.ndarray) -> None:
        self._tile = weight.tile
        self._rows = loops.rows_of_integers(x, *weight.tile)
        self._count, self._width = x.shape[0], weight.width
        self._panels = weight.panels
        biases = np.full(weight.scales.shape[0], -np.inf, np.float32)
        biases[: self._width] = bias
        parts = (weight.scales, biases)
        self._columns = np.stack([part.reshape(weight.panels.shape[0], -1) for part in parts], 1)
        self._threads = get_num_threads()

    def largest(self, k: int, again: Callable[[np.ndarray], Entries]) -> Entries:
        """The k largest positive entries of every row; `again`: those of some rows, otherwise."""
        rank = _rank(k, self._width)
        room = 4 * rank * self._width // loops.sampled_latents(self._width)
        counts, selected = np.empty(self._count, np.int64), np.empty((self._count, k), np.int64)
        loops.largest_in_product(
            *self.operands, rank, k, min(room, self._width), self._threads, counts, selected
        )
        return _completed(counts, selected, again)

    def near_largest(
        self, k: int, margins: np.ndarray, again: Callable[[np.ndarray], Entries]
    ) -> Entries:
        """Entries above their row's k-th largest less a margin, as `largest`."""
        rank = _rank(k, self._width)
        room = 256 + 4 * rank * self._width // loops.sampled_latents(self._width)
        counts = np.empty(self._count, np.int64)
        selected = np.empty((self._count, min(room, self._width)), np.int64)
        loops.near_largest_in_product(
            *self.operands, rank, k, margins, self._threads, counts, selected
        )
        return _completed(counts, selected, again)

    def above(self, bound: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Entries above a bound >= 0: counts [rows], indices and bits of the scores [entries]."""
        some = self._part(self._sample_rows())
        most = some._above(bound, 0)[0].max(initial=0)
        counts, indices, scores = self._above(bound, min(self._width, 2 * int(most) + 32))
        needed = int(counts.max(initial=0))
        if needed > indices.shape[1]:
            full = np.flatnonzero(counts > indices.shape[1])
            wider = [np.empty((self._count, needed), part.dtype) for part in (indices, scores)]
            for part, own in zip(wider, (indices, scores), strict=True):
                part[:, : own.shape[1]] = own
            _, wider[0][full], wider[1][full] = self._part(full)._above(bound, needed)
            indices, scores = wider
        values = loops.joined(counts, scores.view(np.int32))
        return counts, loops.joined(counts, indices), values

    def largest_of_batch(self, total: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """At least the `total` largest positive entries of all rows: what `above` returns.

        The bound is estimated from some rows, and aims at 1.5 times the total.
        """
        wanted = -(-_KEPT_OF_ESTIMATE * self._count // total)
        rows = self._sample_rows(max(_ROWS_OF_ESTIMATE, wanted))
        bits = self._part(rows).bits()
        bound = loops.value_near_rank(bits, int(1.5 * total * len(rows) / self._count) + 16)
        lower = _OCTAVE
        while True:
            entries = self.above(float(np.int32(bound).view(np.float32)))
            if entries[1].shape[0] >= total or not bound:
                return entries
            # One octave lower is nearly always enough; far lower would keep most of the product.
            bound, lower = max(0, bound - lower), 2 * lower

    def bits(self) -> np.ndarray:
        """The bits of all scores: int32 [rows, width]."""
        scores = loops.scores_of_product(*self.operands, self._threads)
        return np.ascontiguousarray(scores[: self._count, : self._width]).view(np.int32)

    @property
    def operands(self) -> tuple[Any, np.ndarray, np.ndarray, int]:
        """What loops take first; the last is the rows of a tile."""
        return self._rows, self._panels, self._columns, self._tile[0]

    def _sample_rows(self, number: int = _ROWS_OF_ESTIMATE) -> np.ndarray:
        """Numbers of evenly spaced rows."""
        number = min(number, self._count)
        numbers: np.ndarray = np.arange(number) * self._count // max(number, 1)
        return numbers

    def _part(self, rows: np.ndarray) -> ProductOfIntegers:
        """The product of some of the rows."""
        part = copy(self)
        part._rows, part._count = loops.padded_rows(self._rows, rows, self._tile[0]), len(rows)
        return part

    def _above(self, bound: float, room: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        padded = self._rows[0].shape[0]
        counts = np.empty(self._count, np.int64)
        selected, scores = np.empty((padded, room), np.int64), np.empty((padded, room), np.float32)
        loops.above_in_product(
            *self.operands, np.float32(bound), self._threads, counts, selected, scores
        )
        return counts, selected[: self._count], scores[: self._count]


def _completed(
    counts: np.ndarray, selected: np.ndarray, again: Callable[[np.ndarray], Entries]
) -> Entries:
    """Entries of all rows: those with a count of -1 are selected again."""
    failed = np.flatnonzero(counts < 0)
    if failed.shape[0]:
        own_counts, own = again(failed)
        counts[failed] = own_counts
        most = int(own_counts.max(initial=0))
        if most > selected.shape[1]:
            wider = np.empty((counts.shape[0], most), np.int64)
            wider[:, : selected.shape[1]] = selected
            selected = wider
        for row, part in zip(failed, np.split(own, np.cumsum(own_counts)[:-1]), strict=True):
            selected[row, : part.shape[0]] = part
    return counts, loops.joined(counts, selected)
