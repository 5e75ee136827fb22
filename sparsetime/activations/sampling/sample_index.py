"""SampleIndex: the numbering of all samples of one kind, and the rows that each of them covers."""

from __future__ import annotations

from typing import final

import numpy as np

from sparsetime.activations.sampling.sample_kinds import Integers, SampleKind
from sparsetime.errors import DataError
from sparsetime.segments import Segments


@final
class SampleIndex:
    """All samples of one kind in the sequences of a source, numbered in order.

    Sequences too short for one sample are left out. The rows of the others are numbered without a
    gap, from 0 to `rows`: the compact rows. `reader_rows` translates them.

    segments: the sequences. first_rows: the reader's number of each sequence's first row; None
    where the reader holds the segments' rows and no others.

    Errors: DataError where no sample is left.
    """

    def __init__(
        self, kind: SampleKind, segments: Segments, first_rows: Integers | None = None
    ) -> None:
        lengths = segments.numpy_lengths
        if first_rows is None:
            first_rows = segments.numpy_offsets[:-1]
        counts = kind.counts(lengths)
        kept = counts > 0
        if not kept.any():
            if segments.rows == 0:
                raise DataError(f"there are no {kind.name} to sample: the activations are empty")
            raise DataError(f"no {kind.name}: {kind.too_short(int(lengths.max()))}")
        self.kind = kind
        kept_lengths = lengths[kept]
        self._stops = np.cumsum(kept_lengths)  # starts and stops in compact rows
        self._starts = self._stops - kept_lengths
        self._shift = first_rows[kept] - self._starts
        self._sample_stops = np.cumsum(counts[kept])
        self._sample_starts = self._sample_stops - counts[kept]
        self.count = int(self._sample_stops[-1])
        self.rows = int(self._stops[-1])

    def locate(self, samples: Integers) -> tuple[Integers, Integers]:
        """First compact row that each sample may read, and one past the last."""
        sequence = np.searchsorted(self._sample_stops, samples, side="right")
        starts = self._starts[sequence]
        within = samples - self._sample_starts[sequence]
        first, stops = self.kind.locate(within, self._stops[sequence] - starts)
        return starts + first, starts + stops

    def reader_rows(self, begin: int, end: int) -> Integers:
        """The reader's numbers of the compact rows `begin` to `end` (exclusive)."""
        rows = np.arange(begin, end, dtype=np.int64)
        low, high = np.searchsorted(self._stops, [begin, end - 1], side="right")
        # Shifts never fall from one sequence to the next, so equal ends mean one contiguous range.
        if self._shift[low] == self._shift[high]:
            rows += self._shift[low]
        else:
            rows += self._shift[np.searchsorted(self._stops, rows, side="right")]
        return rows
