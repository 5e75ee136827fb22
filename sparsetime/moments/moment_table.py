"""MomentTable: a table of spans of sequences with their true times, and what they cover."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import final

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from sparsetime.moments.saved_moments import save_moments

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

    def save(self, out: str | Path, name: str) -> str:
        """Write `NAME.parquet` into the folder `out`; the explorer shows those of `RUN/moments`.

        Returns the path. Errors: those of `save_moments`.
        """
        return save_moments(self, out, name)

    def of(self, sequence: str) -> Float[np.ndarray, "moments 2"]:
        """Start and end of every moment of a sequence."""
        return np.array(self._spans.get(sequence, ()), dtype=np.float64).reshape(-1, 2)

    @cached_property
    def _spans(self) -> Spans:
        """Start and end of all moments by sequence."""
        spans: dict[str, list[tuple[float, float]]] = {}
        columns = (self.table[name].to_pylist() for name in ("sequence", "start", "end"))
        for name, start, end in zip(*columns, strict=True):
            spans.setdefault(name, []).append((start, end))
        return spans

    def coverage(self, events: Spans) -> float:
        """The share of all events that overlap with at least one moment of their sequence.

        NaN where there are no events.
        """
        hits = [_overlaps(self.of(name), spans).any(0) for name, spans in events.items() if spans]
        return float(np.concatenate(hits).mean()) if hits else float("nan")

    def precision(self, events: Spans) -> float:
        """The share of moments that overlap with at least one event of their sequence.

        NaN where there are no moments.
        """
        hits = [_overlaps(self.of(name), events.get(name, ())).any(1) for name in self._spans]
        return float(np.concatenate(hits).mean()) if hits else float("nan")

    def f1(self, events: Spans) -> float:
        """Temporal F1: the harmonic mean of precision and coverage.

        F1 = 2 precision coverage / (precision + coverage)

        0 where no moment hits an event, also where there are no moments; NaN where there are no
        events.
        """
        precision, coverage = self.precision(events), self.coverage(events)
        # Not `precision`, which is NaN without moments.
        return 2 * precision * coverage / (precision + coverage) if coverage else 0.0


def _overlaps(
    found: Float[np.ndarray, "moments 2"], events: Sequence[tuple[float, float]]
) -> np.ndarray:
    spans = np.array(events, dtype=np.float64).reshape(-1, 2)
    return (found[:, None, 0] < spans[None, :, 1]) & (spans[None, :, 0] < found[:, None, 1])
