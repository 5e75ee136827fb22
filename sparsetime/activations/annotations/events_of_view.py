"""Events of a view of a store: those that overlap its steps, and which steps each covers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from sparsetime.activations.annotations.event_table import DURATION, ONSET, SEQUENCE
from sparsetime.activations.annotations.label_table import ID
from sparsetime.activations.annotations.stored_annotations import EVENT_SCHEMA, StoredEvents

if TYPE_CHECKING:
    from sparsetime.activations.store.manifest import Manifest
    from sparsetime.activations.store.stored_sequence import StoredSequence

_SLACK = 1e-6  # of a step: times are floats


class SequenceView(Protocol):
    """The sequences that a store or a part of one shows."""

    manifest: Manifest
    whole_table: pa.Table
    sequence_indices: Int[np.ndarray, " shown"]

    @property
    def sequences(self) -> pa.Table: ...

    def sequence(self, i: int) -> StoredSequence: ...


def events_of_view(store: SequenceView, stored: StoredEvents | None) -> pa.Table:
    """Events that overlap the steps that a store shows, with the steps that they cover.

    Row i covers the times from where it begins to its end, start + i step to start + (i + 1) step
    where rows have no times of their own. An event covers the rows `first_step` to `stop_step`
    (exclusive) that it overlaps, counted in the shown part, at least one.
    """
    table = EVENT_SCHEMA.empty_table() if stored is None else stored.table()
    numbers, sequences = store.sequence_indices, store.sequences
    place = np.full(store.whole_table.num_rows, -1)
    place[numbers] = np.arange(len(numbers))
    at = place[table[SEQUENCE].to_numpy()]
    table, at = table.filter(pa.array(at >= 0)), at[at >= 0]
    onset = table[ONSET].to_numpy()
    end = onset + table[DURATION].to_numpy()
    start, step, length = (sequences[n].to_numpy()[at] for n in ("start", "step", "length"))
    first = np.floor((onset - start) / step + _SLACK).astype(np.int64)
    stop = np.ceil((end - start) / step - _SLACK).astype(np.int64)
    for number in np.unique(at).tolist() if store.manifest.own_times else ():
        own, sequence = at == number, store.sequence(number)
        begins, lasts = sequence.times, sequence.durations
        slack = _SLACK * lasts.min(initial=1.0)
        # Rows that share a time, such as patches of one frame, are covered together.
        first[own] = np.searchsorted(begins + lasts, onset[own] + slack, side="right")
        stop[own] = np.searchsorted(begins, end[own] - slack, side="left")
    stop = np.maximum(stop, first + 1)
    shown = (stop > 0) & (first < length)
    ids = sequences[ID].take(pa.array(at[shown]))
    covered = {"first_step": np.maximum(first, 0), "stop_step": np.minimum(stop, length)}
    table = table.filter(pa.array(shown)).add_column(1, ID, ids)
    for name, values in covered.items():
        table = table.append_column(name, pa.array(values[shown]))
    return table
