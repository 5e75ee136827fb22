"""PartsReader: rows of several stores, numbered as those of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sparsetime.activations.store.manifest import DOCUMENT

if TYPE_CHECKING:
    from sparsetime.activations.store.input_files import SlicedArray
    from sparsetime.activations.store.shard_reader import ShardReader


class PartsReader:
    """Reads rows of joined stores by their number in the whole.

    The sequences of parts of one capture stand in the order of the documents, those of other
    stores one store after another. Within a store the order is its own either way, so that
    ascending rows of the whole are ascending rows of each part.
    """

    in_memory = False

    def __init__(
        self,
        readers: Sequence[ShardReader],
        tables: Sequence[pa.Table],
        part_of_sequence: Int[np.ndarray, " sequences"],
    ) -> None:
        """part_of_sequence: the number of the reader of every sequence of the whole, in order."""
        self.d, self.dtype = readers[0].d, readers[0].dtype
        self._readers = readers
        self._part = part_of_sequence
        length = np.empty(len(part_of_sequence), dtype=np.int64)
        own_first = np.empty(len(part_of_sequence), dtype=np.int64)
        for number, table in enumerate(tables):
            at = part_of_sequence == number
            length[at], own_first[at] = table["length"], table["first_row"]
        self._stops = np.cumsum(length)
        self._shift = own_first - (self._stops - length)

    def pieces(self, rows: Int[np.ndarray, " rows"]) -> Iterator[Float[Tensor, "some d"]]:
        """The rows of the given numbers (ascending), in order, in as few tensors as come easily."""
        if len(rows) == 0:
            return
        part, own, _ = self._located(rows)
        edges = np.flatnonzero(np.diff(part)) + 1
        for begin, end in zip([0, *edges], [*edges, len(rows)], strict=True):
            yield from self._readers[part[begin]].pieces(own[begin:end])

    def prefetch(self, rows: Int[np.ndarray, " rows"]) -> None:
        """Begin to fetch the given rows (ascending) of remote parts."""
        part, own, _ = self._located(rows)
        for number in np.unique(part):
            self._readers[number].prefetch(own[part == number])

    def stored_steps(self, rows: Int[np.ndarray, " rows"]) -> Bool[np.ndarray, " rows"] | None:
        """Which of the given rows (ascending) have a stored activation; None where all have."""
        part, own, _ = self._located(rows)
        stored = np.ones(len(rows), dtype=bool)
        for number, reader in enumerate(self._readers):
            at = part == number
            if (mask := reader.stored_steps(own[at])) is not None:
                stored[at] = mask
        return None if bool(stored.all()) else stored

    def steps(self, rows: Int[np.ndarray, " rows"], columns: list[str] | None) -> pa.Table:
        """The step columns of the given rows (ascending); all columns where None are named."""
        part, own, sequence = self._located(rows)
        order = np.argsort(part, kind="stable")
        tables = [
            reader.steps(own[part == number], columns)
            for number, reader in enumerate(self._readers)
            if bool((part == number).any())
        ]
        if not tables:
            return self._readers[0].steps(rows, columns)
        joined = pa.concat_tables(tables, promote_options="permissive").unify_dictionaries()
        if len(tables) > 1:
            back = np.empty_like(order)
            back[order] = np.arange(len(order))
            joined = joined.take(pa.array(back))
        if "sequence" in joined.column_names:
            at = joined.schema.get_field_index("sequence")
            joined = joined.set_column(at, "sequence", pa.array(sequence.astype(np.int32)))
        return joined

    def step_columns(self) -> list[str]:
        """Names of the step columns."""
        return self._readers[0].step_columns()

    def open_input(self, sequence: int, reference: Mapping[str, Any]) -> SlicedArray:
        """The input that a sequence of the whole refers to."""
        part = self._part[sequence]
        own = int((self._part[:sequence] == part).sum())
        reader = self._readers[int(part)]
        return reader.open_input(own, reference)

    def verify(self) -> None:
        """Check every file of every part."""
        for reader in self._readers:
            reader.verify()

    def _located(
        self, rows: Int[np.ndarray, " rows"]
    ) -> tuple[Int[np.ndarray, " rows"], Int[np.ndarray, " rows"], Int[np.ndarray, " rows"]]:
        """Part of each row, its number there, and its sequence in the whole."""
        sequence = np.searchsorted(self._stops, rows, side="right")
        return self._part[sequence], rows + self._shift[sequence], sequence


def order_of_parts(tables: Sequence[pa.Table]) -> Int[np.ndarray, " sequences"]:
    """The part of every sequence: by the numbers of the documents where all tables have them."""
    part = np.repeat(np.arange(len(tables)), [table.num_rows for table in tables])
    if all(DOCUMENT in table.column_names for table in tables):
        documents = np.concatenate([table[DOCUMENT].to_numpy() for table in tables])
        return part[np.argsort(documents, kind="stable")]
    return part


def joined_table(
    tables: Sequence[pa.Table], part_of_sequence: Int[np.ndarray, " sequences"]
) -> pa.Table:
    """The sequences of all parts in the order of the whole, with their first rows there."""
    order = np.argsort(np.argsort(part_of_sequence, kind="stable"), kind="stable")
    own = [_without(table, DOCUMENT) for table in tables]
    whole = pa.concat_tables(own, promote_options="default")
    whole = whole.take(pa.array(order)).combine_chunks()
    length = whole["length"].to_numpy()
    at = whole.schema.get_field_index("first_row")
    return whole.set_column(at, "first_row", pa.array(np.cumsum(length) - length, pa.int64()))


def _without(table: pa.Table, name: str) -> pa.Table:
    return table.drop_columns(name) if name in table.column_names else table
