"""MomentTable: a table of spans of sequences with their true times, and what they cover."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import pyarrow as pa
from jaxtyping import Float

#: Spans [start, end) in time, by the id of their sequence.
Spans = Mapping[str, Sequence[tuple[float, float]]]


@final
@dataclass(frozen=True, eq=False)
class MomentTable:
    """Spans that were found, in the order of sequences and of time.

    table: sequence, first_step, stop_step (exclusive), start, end (in the sequence's unit), score,
    how. scored: by sequence, the share of its steps whose score was computed.
    """

    table: pa.Table
    scored: Mapping[str, float]

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def of(self, sequence: str) -> Float[np.ndarray, "moments 2"]:
        """Start and end of every moment of a sequence."""
        rows = [row for row in self.table.to_pylist() if row["sequence"] == sequence]
        return np.array([[row["start"], row["end"]] for row in rows]).reshape(-1, 2)

    def coverage(self, events: Spans) -> float:
        """The share of all events that overlap with at least one moment of their sequence."""
        hits = [_overlaps(self.of(name), spans).any(0) for name, spans in events.items() if spans]
        return float(np.concatenate(hits).mean()) if hits else float("nan")

    def precision(self, events: Spans) -> float:
        """The share of moments that overlap with at least one event of their sequence."""
        names = dict.fromkeys(self.table["sequence"].to_pylist())
        hits = [_overlaps(self.of(name), events.get(name, ())).any(1) for name in names]
        return float(np.concatenate(hits).mean()) if hits else float("nan")

    def f1(self, events: Spans) -> float:
        """Temporal F1: the harmonic mean of precision and coverage.

        F1 = 2 precision coverage / (precision + coverage)
        """
        precision, coverage = self.precision(events), self.coverage(events)
        total = precision + coverage
        return 2 * precision * coverage / total if total else 0.0


def _overlaps(
    found: Float[np.ndarray, "moments 2"], events: Sequence[tuple[float, float]]
) -> np.ndarray:
    spans = np.array(events, dtype=np.float64).reshape(-1, 2)
    return (found[:, None, 0] < spans[None, :, 1]) & (spans[None, :, 0] < found[:, None, 1])
