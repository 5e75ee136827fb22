"""Store: activations on disk, read in the order of capture or shuffled."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor

from sparsetime.activations.annotations.events_of_view import events_of_view
from sparsetime.activations.annotations.stored_annotations import StoredEvents, label_columns
from sparsetime.activations.capture.document import Label
from sparsetime.activations.interchange.arrow_batches import arrow_batches
from sparsetime.activations.sampling.kept_segments import kept_segments_of
from sparsetime.activations.sampling.sample_index import SampleIndex
from sparsetime.activations.sampling.sample_kinds import (
    Lag,
    PairSamples,
    RowSamples,
    SampleKind,
    WindowSamples,
)
from sparsetime.activations.sampling.shuffle import Shuffle
from sparsetime.activations.step_exclusion import StepExclusion
from sparsetime.activations.store.manifest import Manifest
from sparsetime.activations.store.split import Split, by_labels, split
from sparsetime.activations.store.store_reader import StoreReader
from sparsetime.activations.store.stored_sequence import StoredSequence, read_rows
from sparsetime.activations.store.view_fingerprint import view_fingerprint
from sparsetime.errors import DataError, unknown_name
from sparsetime.files import Folder
from sparsetime.segments import Segments

if TYPE_CHECKING:
    from sparsetime.activations.interchange.torch_dataset import StoreDataset


@final
class Store:
    """An activation store or a part of its sequences; immutable. Made by `open_store`.

    `len(store)` is its number of steps, also of those that the capture left out. `sequences` is the
    table of its sequences: id, length, start, step, unit, source, labels (JSON), text, first_row
    (in the whole store). `reader` reads rows by their number in the whole store. `segments` are
    this view's sequences, row after row, `first_rows` the whole store's number of each first row.
    `note` says in words what a view holds that is a part.
    """

    def __init__(
        self,
        folder: Folder,
        manifest: Manifest,
        reader: StoreReader,
        table: pa.Table,
        selection: NDArray[np.int64],
        exclusion: StepExclusion | None = None,
        events: StoredEvents | None = None,
        note: str = "",
    ) -> None:
        self.note, self._events = note, events
        self.exclusion = exclusion or StepExclusion()
        self._folder, self.reader, self.manifest = folder, reader, manifest
        self.whole_table = table  # all sequences, cut where this view cuts them
        self._shuffle_buffer: int | None = None
        self.sequence_indices = selection
        self.first_rows: NDArray[np.int64] = table["first_row"].to_numpy()[selection]
        self.segments = Segments.of_lengths(table["length"].to_numpy()[selection])
        self._rows = self.segments.rows
        self.path, self.d, self.site = folder.url, manifest.d, manifest.site
        self.dtype, self.unit = manifest.dtype, manifest.unit
        self.model_name, self.model_hash = manifest.model_name, manifest.model_hash

    @cached_property
    def sequences(self) -> pa.Table:
        if len(self.sequence_indices) == self.whole_table.num_rows:
            return self.whole_table
        return self.whole_table.take(pa.array(self.sequence_indices))

    @cached_property
    def labels(self) -> pa.Table:
        """The labels of the sequences: `id`, then a column a label; null where one has none."""
        return label_columns(self.sequences)

    @cached_property
    def events(self) -> pa.Table:
        """The events of the steps shown here, by sequence and onset; see `events_of_view`."""
        return events_of_view(self, self._events)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the checksums of the activations and the sequences shown here, as hex."""
        shown = (self.sequence_indices, self.first_rows, self.segments.numpy_lengths)
        return view_fingerprint(self.manifest.checksums, *shown, self.exclusion)

    @property
    def whole_sequences(self) -> bool:
        """Whether the view shows its sequences whole, and no parts of them."""
        return int(self.whole_table["length"].to_numpy().sum()) == self.manifest.rows

    def __len__(self) -> int:
        return self._rows

    def __repr__(self) -> str:
        state = "" if self.manifest.complete else ", unfinished"
        left_out = 0 if self.stored_steps is None else int((~self.stored_steps).sum())
        of_them = f", of which {left_out:,} are left out" if left_out else ""
        return (
            f"Store({self.path!r}, site {self.site!r}, {len(self.sequence_indices):,} sequences, "
            f"{self._rows:,} rows of width {self.d}{of_them}, {self.dtype}{state})"
        )

    def rows(
        self,
        batch: int,
        seed: int = 0,
        epochs: int | None = 1,
        memory: str | int | None = None,
        skip: int = 0,
    ) -> Iterator[Float[Tensor, "batch d"]]:
        """Shuffled rows, float32 [batch, d]; every row once an epoch, endless with `epochs=None`.

        A uniformly random order where the rows fit into `memory` ("512MB"; None: `buffer_bytes`);
        else blocks of 1024 neighbouring rows are mixed within it, and its size too decides the
        order. The first `skip` batches are skipped without reading them.

        Errors: DataError where there are no rows; ConfigError for settings out of range.
        """
        return (x for (x,) in self._samples(RowSamples(), seed, memory, batch, epochs, skip))

    def pairs(
        self,
        batch: int,
        lag: Lag = 1,
        seed: int = 0,
        epochs: int | None = 1,
        memory: str | int | None = None,
        skip: int = 0,
    ) -> Iterator[Float[Tensor, "batch 2 d"]]:
        """Shuffled pairs of rows of one sequence, float32 [batch, 2, d]: the second `lag` later.

        With two numbers, such as (1, 256), the first row is drawn from the rows 1 to 256 steps
        before the second. Sequences of `lag` steps or fewer give none. Otherwise as `rows`.

        Errors: DataError where no sequence is long enough.
        """
        return (x for (x,) in self._samples(PairSamples(lag), seed, memory, batch, epochs, skip))

    def windows(
        self,
        batch: int,
        length: int,
        seed: int = 0,
        epochs: int | None = 1,
        memory: str | int | None = None,
        skip: int = 0,
    ) -> Iterator[tuple[Float[Tensor, "batch time d"], Bool[Tensor, "batch time"]]]:
        """Shuffled windows of time steps, float32 [batch, length, d], and a mask [batch, length].

        Sequences shorter than `length` are left out. The others are cut from their beginning; the
        rest at their end is padded with zeros, where the mask is False. Otherwise as `rows`.

        Errors: DataError where no sequence is long enough.
        """
        samples = self._samples(WindowSamples(length), seed, memory, batch, epochs, skip)
        return ((x, mask) for x, mask in samples)

    def sequence(self, i: int) -> StoredSequence:
        """The sequence at place `i` of this view. Errors: DataError where there is none."""
        if not 0 <= i < len(self.sequence_indices):
            raise DataError(
                f"{self.path} shows {len(self.sequence_indices):,} sequences here, numbered from "
                f"0; number {i} was asked for"
            )
        index = int(self.sequence_indices[i])
        row = self.whole_table.slice(index, 1).to_pylist()[0]
        row["unit"] = row["unit"] or self.unit  # a writer may leave it to the store
        return StoredSequence(self.reader, index, row, self.manifest.own_times)

    def read(self, start: int, stop: int) -> Float[Tensor, "rows d"]:
        """Rows `start` to `stop` (exclusive) of this view in order, float32; NaN where left out."""
        if not 0 <= start <= stop <= self._rows:
            raise DataError(
                f"rows {start} to {stop} are not within the {self._rows:,} rows of {self.path}"
            )
        return read_rows(self.reader, self._row_numbers(start, stop))

    def steps(self, columns: list[str] | None = None) -> pa.Table:
        """The columns of every step of this view in order; all where none are named.

        Errors: UnknownNameError for a column that the store does not hold.
        """
        if not self.manifest.shards:
            raise DataError(f"{self.path} holds no activations yet")
        stored = self.reader.step_columns()
        for name in columns or ():
            if name not in stored:
                raise unknown_name("step column", name, stored)
        return self.reader.steps(self._row_numbers(0, self._rows), columns)

    def split(self, held_out: float = 0.1, seed: int = 0, **how: Any) -> Split:
        """Two views without a common step: (train, held out); see `sparsetime.split`."""
        return split(self, held_out=held_out, seed=seed, **how)

    def split_by_time(self, held_out: float = 0.1, gap: int | None = None) -> Split:
        """The first steps of every sequence, and its last; see `sparsetime.split`."""
        return split(self, "time", held_out=held_out, gap=gap)

    def where(self, **labels: Label) -> Store:
        """The view of the sequences whose labels have these values: `store.where(held_out=True)`.

        Errors: UnknownNameError for a label that no sequence here has; DataError where no sequence
        has these values.
        """
        places = by_labels(self.sequences, labels, self.path)
        return self.of_sequences(places)

    def without_steps(self, exclusion: StepExclusion) -> Store:
        """The view whose samples leave steps out; `sequence`, `read` and `steps` stay whole.

        Neighbours in pairs and windows are kept steps without a gap between them. A multiple of the
        median norm is measured on this view, unless the exclusion holds the limit.
        """
        made = self.view(self.sequence_indices, self.whole_table)
        made.exclusion = exclusion.measured(self.reader, self.segments, self.first_rows)
        return made

    @cached_property
    def stored_steps(self) -> Bool[np.ndarray, " rows"] | None:
        """Which rows of this view have a stored activation; None where the capture kept all."""
        return self.reader.stored_steps(self._row_numbers(0, self._rows)) if self._rows else None

    @property
    def excluded(self) -> StepExclusion:
        """Every step that is left out, by the capture or by this view."""
        return self.manifest.exclusion.merged(self.exclusion)

    def of_sequences(self, places: NDArray[np.int64], note: str = "") -> Store:
        """The view of the sequences at some places (ascending) of this one."""
        return self.view(self.sequence_indices[places], self.whole_table, note)

    def arrow(
        self, batch: int = 65_536, columns: list[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The stored steps in order, as Arrow batches: step columns, then `activation`.

        `activation` is a fixed-shape tensor [d], float32 where the store holds bfloat16. columns:
        names of step columns; None: all. Errors: UnknownNameError for a column that is not there.
        """
        kept = slice(None) if self.stored_steps is None else self.stored_steps
        return arrow_batches(self.reader, self._row_numbers(0, self._rows)[kept], batch, columns)

    def torch_dataset(
        self, batch: int, seed: int = 0, memory: str | int | None = None
    ) -> StoreDataset:
        """Shuffled batches for `DataLoader(..., batch_size=None)`; see `StoreDataset`."""
        from sparsetime.activations.interchange.torch_dataset import StoreDataset

        return StoreDataset(self, batch, seed, memory)

    def verify(self) -> None:
        """Read every file and compare its sha256. Errors: DamagedError naming one that differs."""
        self.reader.verify()

    def with_shuffle_buffer(self, size: int) -> Store:
        """The same view with another size of the shuffle buffer where none is given, in bytes."""
        (view := copy(self))._shuffle_buffer = size
        return view

    def _samples(
        self, kind: SampleKind, seed: int, memory: str | int | None, *order: Any
    ) -> Iterator[tuple[Tensor, ...]]:
        memory = self._shuffle_buffer if memory is None else memory
        segments, first_rows = self._sampled
        return Shuffle(kind, self.reader, segments, seed, memory, first_rows).batches(*order)

    @cached_property
    def _sampled(self) -> tuple[Segments, NDArray[np.int64]]:
        """The segments that samples are drawn from, and the reader's first row of each."""
        return kept_segments_of(self)

    def view(self, selection: NDArray[np.int64], table: pa.Table, note: str = "") -> Store:
        """The view of the sequences at these rows of a table of all, cut as the table says."""
        own = (self.exclusion, self._events, "; ".join(filter(None, (self.note, note))))
        return Store(self._folder, self.manifest, self.reader, table, selection, *own)

    def _row_numbers(self, start: int, stop: int) -> NDArray[np.int64]:
        if start == stop:
            return np.zeros(0, dtype=np.int64)
        return SampleIndex(RowSamples(), self.segments, self.first_rows).reader_rows(start, stop)
