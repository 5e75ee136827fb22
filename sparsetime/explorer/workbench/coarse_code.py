"""A code by blocks of steps, from which timelines of long segments are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float, Int

from sparsetime.explorer.peak_percent import percent_of_peak

if TYPE_CHECKING:
    from sparsetime.codes import SparseCode

BLOCK = 64  # steps


@final
@dataclass(frozen=True)
class CodeEntries:
    """Entries of a code in order of time; each is of `block` steps, from `step` on.

    step, feature: int64 [entries]. percent: the largest activation, of the feature's peak, in
    percent. energy: the sum of squared activations.
    """

    step: Int[np.ndarray, " entries"]
    feature: Int[np.ndarray, " entries"]
    percent: Int[np.ndarray, " entries"]
    energy: Float[np.ndarray, " entries"]
    block: int = 1

    @property
    def nbytes(self) -> int:
        """Its size."""
        return sum(each.nbytes for each in (self.step, self.feature, self.percent, self.energy))

    def between(self, first: int, stop: int) -> CodeEntries:
        """The entries that begin in the steps `first` to `stop` (exclusive)."""
        a, b = np.searchsorted(self.step, (first, stop))
        part = slice(int(a), int(b))
        return CodeEntries(
            self.step[part], self.feature[part], self.percent[part], self.energy[part], self.block
        )


def code_entries(
    code: SparseCode, peak: Float[np.ndarray, " width"], first: int = 0
) -> CodeEntries:
    """The entries of a code of shape (time,), whose first step is number `first`."""
    value = np.abs(code.values.detach().float().numpy())
    feature = code.indices.numpy()
    return CodeEntries(
        code.row_of_entry.numpy() + first,
        feature,
        percent_of_peak(value, peak[feature]),
        value.astype(np.float64) ** 2,
    )


def coarse_entries(entries: CodeEntries, width: int) -> CodeEntries:
    """Entries of single steps joined to blocks of BLOCK steps."""
    place = entries.step // BLOCK * width + entries.feature
    order = np.argsort(place, kind="stable")
    place = place[order]
    begins = np.flatnonzero(np.diff(place, prepend=-1))
    if not len(begins):
        return CodeEntries(entries.step, entries.feature, entries.percent, entries.energy, BLOCK)
    block, feature = np.divmod(place[begins], width)
    return CodeEntries(
        block * BLOCK,
        feature,
        np.maximum.reduceat(entries.percent[order], begins),
        np.add.reduceat(entries.energy[order], begins),
        BLOCK,
    )
