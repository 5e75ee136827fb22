"""Capture plan: documents cut into windows of model inputs, and windows grouped into shards."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, final

import numpy as np
import pyarrow as pa

from sparsetime.activations.capture.capture_part import CapturePart
from sparsetime.activations.capture.tokenize import PreparedDocument
from sparsetime.activations.store.input_columns import input_columns
from sparsetime.activations.store.manifest import DOCUMENT
from sparsetime.errors import ConfigError

#: Windows that run together by default, and the numbers of input that they then hold at most: whole
#: recordings may be long, and a network keeps a hundred numbers for each.
DEFAULT_BATCH, MOST_NUMBERS = 32, 1 << 20


@final
@dataclass(frozen=True, eq=False)
class InputWindow:
    """Inputs of one document that the model reads at once, and the rows stored of them.

    The model reads the inputs `input_start` to `input_stop` (exclusive). Stored are the document's
    rows `row_start` to `row_stop` (exclusive). Inputs before the first stored one are context.
    positions: of the rows among those that the model gives, where they are not the input's steps.
    """

    prepared: PreparedDocument
    sequence: int
    input_start: int
    input_stop: int
    row_start: int
    row_stop: int
    positions: np.ndarray[Any, np.dtype[np.int64]] | None = None

    @property
    def length(self) -> int:
        """Number of inputs, without special tokens."""
        return self.input_stop - self.input_start

    @property
    def numbers_a_step(self) -> int:
        """How many numbers an input step has; 1 for a token."""
        return math.prod(self.prepared.inputs.shape[1:])

    @property
    def rows(self) -> int:
        """Number of stored rows."""
        return self.row_stop - self.row_start

    @property
    def decoder_length(self) -> int:
        """Number of tokens that the decoder reads; 0 without any."""
        tokens = self.prepared.document.decoder_tokens
        return 0 if tokens is None else len(tokens)

    @property
    def stored_positions(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Position of every stored row among the rows that the model gives for the window."""
        if self.positions is not None:
            return self.positions
        return self.prepared.kept[self.row_start : self.row_stop] - self.input_start


@final
@dataclass(frozen=True, eq=False)
class Shard:
    """Windows that are stored in one file, in the order of the documents.

    part: of a capture in several parts; None for a whole one. described: whether the store says
    what is recorded of the inputs (see `input_columns`).
    """

    windows: tuple[InputWindow, ...]
    part: CapturePart | None = None
    described: bool = False

    @property
    def rows(self) -> int:
        """Number of stored rows."""
        return sum(window.rows for window in self.windows)

    @property
    def begun(self) -> list[InputWindow]:
        """The first windows of the documents that begin in this shard."""
        return [window for window in self.windows if window.row_start == 0]

    def step_table(self) -> pa.Table:
        """One table row per activation: sequence, position, and the documents' columns."""
        tables, sequences = [], []
        for sequence, group in groupby(self.windows, key=lambda window: window.sequence):
            windows = list(group)
            start = windows[0].row_start
            rows = windows[-1].row_stop - start
            tables.append(windows[0].prepared.columns.slice(start, rows))
            sequences.append(np.full(rows, sequence, dtype=np.int32))
        table = pa.concat_tables(tables)
        return table.add_column(0, "sequence", pa.array(np.concatenate(sequences)))

    def sequence_table(self) -> pa.Table:
        """The documents that begin in this shard, each with its whole length."""
        started = [window.prepared for window in self.begun]
        documents = [prepared.document for prepared in started]
        labels = [json.dumps(dict(d.labels), sort_keys=True, ensure_ascii=False) for d in documents]
        table = pa.table(
            {
                "id": pa.array([d.id for d in documents], pa.string()),
                "length": pa.array([prepared.length for prepared in started], pa.int64()),
                "start": pa.array([p.row_times.start for p in started], pa.float64()),
                "step": pa.array([p.row_times.step for p in started], pa.float64()),
                "unit": pa.array([p.unit for p in started], pa.string()),
                "source": pa.array([d.source for d in documents], pa.string()),
                "labels": pa.array(labels, pa.string()),
                "text": pa.array([d.text for d in documents], pa.large_string()),
            }
        )
        if self.described:
            for name, column in input_columns(started).items():
                table = table.append_column(name, column)
        if self.part is None:
            return table
        numbers = [self.part.number + self.part.total * p.number for p in started]
        return table.append_column(DOCUMENT, pa.array(numbers, pa.int64()))

    def batches(self, count: int, even: bool) -> Iterator[list[tuple[InputWindow, int]]]:
        """Windows to run together, each with its first row in the shard, longest first.

        A batch holds at most as many inputs as `count` windows of the shard's longest length, and
        one window, or MOST_NUMBERS of input, where `count` is the default. With `even`, a batch
        holds windows of one length only, so that nothing is padded.
        """
        # Sorting by length puts windows of like length together, which keeps padding small.
        firsts = np.cumsum([0, *(window.rows for window in self.windows)])[:-1].tolist()
        order = sorted(
            zip(self.windows, firsts, strict=True),
            key=lambda pair: (-pair[0].length, pair[0].decoder_length),
        )
        longest_of_all, numbers = order[0][0].length, order[0][0].numbers_a_step
        budget = count * longest_of_all
        if count == DEFAULT_BATCH:
            budget = min(budget, max(longest_of_all, MOST_NUMBERS // numbers))
        batch: list[tuple[InputWindow, int]] = []
        for window, first in order:
            longest = batch[0][0].length if batch else 0
            full = (len(batch) + 1) * longest > budget
            uneven = even and window.length != longest
            other_decoder = bool(batch) and window.decoder_length != batch[0][0].decoder_length
            if batch and (full or uneven or other_decoder):
                yield batch
                batch = []
            batch.append((window, first))
        yield batch


def check_window(
    window: int | None, overlap: int, special: int, limit: int | None, model_name: str
) -> None:
    """Check a window against the model's limit. special: number of special tokens around it.

    Errors: ConfigError where the window is too long for the model or leaves no room.
    """
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
    if window - special - overlap < 1:
        raise ConfigError(
            f"window={window} with overlap={overlap} and {special} special tokens leaves no room "
            f"for new steps; take a longer window or a smaller overlap"
        )


def windows(
    prepared: PreparedDocument, sequence: int, window: int | None, overlap: int, special: int
) -> Iterator[InputWindow]:
    """Cut a document: every window after the first begins with `overlap` inputs of context.

    `window` counts all inputs of a forward pass, special tokens included; None takes the document
    whole. Documents whose rows are not the steps of their input bring their windows along.
    """
    if prepared.window_rows is not None:
        row = 0
        for one in prepared.window_rows:
            stop = row + len(one.positions)
            yield InputWindow(prepared, sequence, one.start, one.stop, row, stop, one.positions)
            row = stop
        return
    total = len(prepared.inputs)
    room = total if window is None else window - special
    next_input = 0
    while next_input < total:
        start = max(0, next_input - overlap)
        stop = min(start + room, total)
        # Rows are numbered among the kept inputs: special tokens of token arrays have none.
        row_start, row_stop = np.searchsorted(prepared.kept, [next_input, stop]).tolist()
        if row_stop > row_start:
            yield InputWindow(prepared, sequence, start, stop, row_start, row_stop)
        next_input = stop


def shards(
    documents: Iterable[PreparedDocument],
    window: int | None,
    overlap: int,
    special: int,
    shard_rows: int,
    part: CapturePart | None = None,
    described: bool = False,
) -> Iterator[Shard]:
    """Shards of at most `shard_rows` rows, or of one window where that alone has more.

    A shard is a function of the documents up to its end, so that an interrupted capture plans the
    same shards again.
    """
    group: list[InputWindow] = []
    rows = 0
    for sequence, prepared in enumerate(documents):
        for input_window in windows(prepared, sequence, window, overlap, special):
            if group and rows + input_window.rows > shard_rows:
                yield Shard(tuple(group), part, described)
                group, rows = [], 0
            group.append(input_window)
            rows += input_window.rows
    if group:
        yield Shard(tuple(group), part, described)
