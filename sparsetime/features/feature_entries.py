"""All entries of an index by feature, the largest activation value first, with their rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Bool, Float, Int

from sparsetime.features.arrow_numpy import to_numpy

if TYPE_CHECKING:
    from sparsetime.features.index import FeatureIndex


@final
@dataclass(frozen=True)
class FeatureEntries:
    """The entries of a code, by feature; of each feature the largest |activation value| first.

    offsets: int64 [width + 1], where each feature's entries begin. row: int32 [entries], the step,
    of all indexed sequences one after another. value: float32 [entries], |activation value|.
    begins: int64 [sequences + 1], the first row of each sequence. numbers: their numbers in the
    whole store.
    """

    offsets: Int[np.ndarray, " width_plus_1"]
    row: Int[np.ndarray, " entries"]
    value: Float[np.ndarray, " entries"]
    begins: Int[np.ndarray, " sequences_plus_1"]
    numbers: Int[np.ndarray, " sequences"]

    @property
    def width(self) -> int:
        """Number of features."""
        return len(self.offsets) - 1

    @property
    def rows(self) -> int:
        """Steps of all sequences."""
        return int(self.begins[-1])

    @property
    def lengths(self) -> Int[np.ndarray, " sequences"]:
        """Steps of each sequence."""
        return np.diff(self.begins)

    @property
    def sequence_of_row(self) -> Int[np.ndarray, " rows"]:
        """The place of every row's sequence among the indexed ones."""
        return np.repeat(np.arange(len(self.numbers)), self.lengths)

    @property
    def feature(self) -> Int[np.ndarray, " entries"]:
        """The feature of every entry."""
        return np.repeat(np.arange(self.width), np.diff(self.offsets))

    def on(self, rows: Bool[np.ndarray, " rows"]) -> FeatureEntries:
        """The entries on some rows; the rows keep their numbers."""
        kept = rows[self.row]
        before = np.concatenate([[0], np.cumsum(kept)])
        return FeatureEntries(
            before[self.offsets], self.row[kept], self.value[kept], self.begins, self.numbers
        )

    def matrix(self) -> Any:
        """|Activation values| as a scipy CSC matrix [rows, width] of float64."""
        from scipy.sparse import csc_matrix

        entries = (self.value.astype(np.float64), self.row, self.offsets)
        matrix = csc_matrix(entries, shape=(self.rows, self.width))
        matrix.sort_indices()
        return matrix

    def count_by_sequence(self) -> Any:
        """Active steps of every feature in every sequence: scipy CSR [sequences, width]."""
        from scipy.sparse import csr_matrix

        place = self.sequence_of_row[self.row]
        counts = csr_matrix(
            (np.ones(len(place), dtype=np.float32), (place, self.feature)),
            shape=(len(self.numbers), self.width),
        )
        counts.sum_duplicates()
        return counts


def feature_entries(index: FeatureIndex) -> FeatureEntries:
    """Read all entries of an index, about 16 bytes each. Errors: DamagedError."""
    table = index.activations
    numbers = to_numpy(index.sequences, "sequence").astype(np.int64)
    begins = np.concatenate([[0], np.cumsum(to_numpy(index.sequences, "length"))]).astype(np.int64)
    feature = to_numpy(table, "feature")
    offsets = np.searchsorted(feature, np.arange(index.width + 1)).astype(np.int64)
    place = np.searchsorted(numbers, to_numpy(table, "sequence"))
    row = (begins[place] + to_numpy(table, "position")).astype(np.int32)
    return FeatureEntries(offsets, row, np.abs(to_numpy(table, "value")), begins, numbers)
