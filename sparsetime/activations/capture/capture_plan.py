"""Cutting documents into windows that a model takes, and grouping the windows into shards."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, final

import numpy as np
import pyarrow as pa

from sparsetime.activations.capture.tokenize import PreparedDocument
from sparsetime.errors import ConfigError


@final
@dataclass(frozen=True, eq=False)
class InputWindow:
    """A segment of one document that is run at once.

    The model is given the inputs `begin` to `end`; stored are the rows `first` to `behind` of the
    document, which stand at `at` (int64) within the window. What stands before them is context.
    """

    steps: PreparedDocument
    sequence: int
    begin: int
    end: int
    first: int
    behind: int

    @property
    def length(self) -> int:
        """Inputs, without the frame."""
        return self.end - self.begin

    @property
    def rows(self) -> int:
        return self.behind - self.first

    @property
    def at(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        return self.steps.kept[self.first : self.behind] - self.begin


@final
@dataclass(frozen=True, eq=False)
class Shard:
    """Windows that are stored together: whole windows, in the order of the documents."""

    windows: tuple[InputWindow, ...]

    @property
    def rows(self) -> int:
        return sum(window.rows for window in self.windows)

    def step_table(self) -> pa.Table:
        """A row for every activation: sequence, position, and the documents' columns."""
        parts, sequences = [], []
        for sequence, windows in groupby(self.windows, key=lambda window: window.sequence):
            together = list(windows)
            rows = together[-1].behind - together[0].first
            parts.append(together[0].steps.columns.slice(together[0].first, rows))
            sequences.append(np.full(rows, sequence, dtype=np.int32))
        table = pa.concat_tables(parts)
        return table.add_column(0, "sequence", pa.array(np.concatenate(sequences)))

    def sequence_table(self) -> pa.Table:
        """The documents that begin in this shard, each with its whole length."""
        begun = [window.steps for window in self.windows if window.first == 0]
        of = [steps.document for steps in begun]
        labels = [json.dumps(dict(d.labels), sort_keys=True, ensure_ascii=False) for d in of]
        return pa.table(
            {
                "id": pa.array([d.id for d in of], pa.string()),
                "length": pa.array([steps.length for steps in begun], pa.int64()),
                "start": pa.array([d.start for d in of], pa.float64()),
                "step": pa.array([d.step for d in of], pa.float64()),
                "unit": pa.array([d.unit for d in of], pa.string()),
                "source": pa.array([d.source for d in of], pa.string()),
                "labels": pa.array(labels, pa.string()),
                "text": pa.array([d.text for d in of], pa.large_string()),
            }
        )

    def batches(self, count: int, even: bool) -> Iterator[list[tuple[InputWindow, int]]]:
        """Windows to run together, each with its first row in the shard, longest first.

        A batch holds as many inputs as `count` windows of the shard's longest length would; with
        `even` only windows of one length meet, so that nothing is padded.
        """
        firsts = np.cumsum([0, *(window.rows for window in self.windows)])[:-1].tolist()
        order = sorted(zip(self.windows, firsts, strict=True), key=lambda pair: -pair[0].length)
        budget = count * order[0][0].length
        batch: list[tuple[InputWindow, int]] = []
        for window, first in order:
            longest = batch[0][0].length if batch else 0
            full = (len(batch) + 1) * longest > budget
            if batch and (full or (even and window.length != longest)):
                yield batch
                batch = []
            batch.append((window, first))
        yield batch


def check_window(
    window: int | None, overlap: int, frame: int, limit: int | None, model_name: str
) -> None:
    """Errors: ConfigError where the window is too long for the model or leaves no room."""
    if overlap < 0:
        raise ConfigError(f"overlap={overlap} must not be negative")
    if window is None:
        if overlap:
            raise ConfigError(
                f"overlap={overlap} needs a window: without one, documents are not cut"
            )
        return
    if limit is not None and window > limit:
        raise ConfigError(
            f"window={window} is longer than the model {model_name!r} allows: at most {limit} "
            f"tokens at once, special tokens included"
        )
    if window - frame - overlap < 1:
        raise ConfigError(
            f"window={window} with overlap={overlap} and {frame} special tokens leaves no room "
            f"for new steps; take a longer window or a smaller overlap"
        )


def windows(
    steps: PreparedDocument, sequence: int, window: int | None, overlap: int, frame: int
) -> Iterator[InputWindow]:
    """Cut a document: every window after the first begins with `overlap` inputs of context.

    `window` counts what the model is given, special tokens included; None takes it whole.
    """
    total = len(steps.inputs)
    room = total if window is None else window - frame
    start = 0
    while start < total:
        begin = max(0, start - overlap)
        end = min(begin + room, total)
        first, behind = np.searchsorted(steps.kept, [start, end]).tolist()
        if behind > first:
            yield InputWindow(steps, sequence, begin, end, first, behind)
        start = end


def shards(
    prepared: Iterable[PreparedDocument],
    window: int | None,
    overlap: int,
    frame: int,
    shard_rows: int,
) -> Iterator[Shard]:
    """Shards of at most `shard_rows` rows, or of one window where that alone has more.

    A shard depends on nothing but the documents up to its end, so that an interrupted capture
    plans the same ones again.
    """
    group: list[InputWindow] = []
    rows = 0
    for sequence, steps in enumerate(prepared):
        for cut in windows(steps, sequence, window, overlap, frame):
            if group and rows + cut.rows > shard_rows:
                yield Shard(tuple(group))
                group, rows = [], 0
            group.append(cut)
            rows += cut.rows
    if group:
        yield Shard(tuple(group))
