"""StoredSequence: one sequence of a store, in order, with its times, labels and step columns."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any, final

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor

from sparsetime.activations.store.input_columns import ROW_DURATION, ROW_PLACE, ROW_START
from sparsetime.activations.store.store_reader import StoreReader
from sparsetime.activations.store.stored_input import StoredInput


@final
class StoredSequence:
    """One sequence in order.

    index: its number in the whole store. values: float32 [time, d]; NaN at steps that the capture
    left out. kept: bool [time], the steps that it did not leave out. times: float64 [time], where
    each row begins, in the sequence's unit: `start` + `step` * position, or the column `row_start`
    of rows with times of their own. durations: float64 [time], how long each lasts. input: what is
    recorded of the input, and its values where they were kept; None where nothing is.
    steps: a row per step with the captured columns. Values and steps are read on first access, so
    that reading words does not wait for activations.
    """

    def __init__(
        self, reader: StoreReader, index: int, row: dict[str, Any], own_times: bool = False
    ) -> None:
        """own_times: whether the rows have the columns `row_start` and `row_duration`."""
        self.index = index
        self.id: str = row["id"]
        self.labels: dict[str, Any] = json.loads(row["labels"])
        self.text: str | None = row["text"]
        self.unit: str = row["unit"]
        self.source: str = row["source"]
        self.start: float = row["start"]
        self.step: float = row["step"]
        self._reader, self._row, self.has_own_times = reader, row, own_times
        self._rows = row["first_row"] + np.arange(row["length"], dtype=np.int64)

    @cached_property
    def times(self) -> NDArray[np.float64]:
        if self.has_own_times:
            return self._column(ROW_START)
        return self.start + self.step * np.arange(len(self), dtype=np.float64)

    @cached_property
    def durations(self) -> NDArray[np.float64]:
        if self.has_own_times:
            return self._column(ROW_DURATION)
        return np.full(len(self), self.step)

    @cached_property
    def places(self) -> list[str] | None:
        """What each row is where several share a time ("[CLS]", "y 3, x 5"); None where none do."""
        if not self.has_own_times or ROW_PLACE not in self.steps.column_names:
            return None
        named: list[str] = self.steps[ROW_PLACE].to_pylist()
        return named

    @cached_property
    def input(self) -> StoredInput | None:
        if self._row.get("input_length") is None:
            return None
        return StoredInput(self._reader, self.index, self._row)

    @cached_property
    def values(self) -> Float[Tensor, "time d"]:
        return read_rows(self._reader, self._rows)

    @cached_property
    def kept(self) -> Bool[Tensor, " time"]:
        stored = self._reader.stored_steps(self._rows)
        if stored is None:
            return torch.ones(len(self), dtype=torch.bool)
        return torch.from_numpy(stored.copy())

    @cached_property
    def steps(self) -> pa.Table:
        return self._reader.steps(self._rows, None)

    def first_steps(self, steps: int) -> StoredSequence:
        """Its first `steps` steps, or all where there are no more; the text stays whole."""
        length = min(max(0, steps), len(self))
        return self._with({"length": length})

    def part(self, start: int, stop: int) -> StoredSequence:
        """Its steps `start` to `stop` (exclusive), with their times; the text stays whole."""
        begin = self._row["start"] + start * self._row["step"]
        first = self._row["first_row"] + start
        return self._with({"start": begin, "first_row": first, "length": stop - start})

    def _with(self, changed: dict[str, Any]) -> StoredSequence:
        row = {**self._row, **changed}
        return StoredSequence(self._reader, self.index, row, self.has_own_times)

    def _column(self, name: str) -> NDArray[np.float64]:
        values: NDArray[np.float64] = self.steps[name].to_numpy()
        return values

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"StoredSequence({self.id!r}, {len(self)} steps)"


def labels_of_steps(sequence: StoredSequence, name: str) -> list[Any] | None:
    """The label `name` of every step: a step column, else a label of the whole sequence.

    "document" is the sequence's id where nothing else has that name. None for a name that the
    sequence does not have.
    """
    if name in sequence.steps.column_names:
        values: list[Any] = sequence.steps[name].to_pylist()
        return values
    labels = {"document": sequence.id} | sequence.labels
    return [labels[name]] * len(sequence) if name in labels else None


def read_rows(reader: StoreReader, rows: NDArray[np.int64]) -> Float[Tensor, "rows d"]:
    """The rows of the given numbers (ascending) as a new float32 tensor."""
    values = torch.empty(len(rows), reader.d, dtype=torch.float32)
    filled = 0
    for piece in reader.pieces(rows):
        values[filled : filled + len(piece)] = piece
        filled += len(piece)
    return values
