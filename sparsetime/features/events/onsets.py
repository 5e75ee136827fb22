"""Onsets of events on the rows of an index: from a store, a table, or changes of a label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from sparsetime.activations.store.store import Store
from sparsetime.errors import DataError, MismatchError
from sparsetime.features.arrow_numpy import to_numpy
from sparsetime.features.indexed_view import cut_as_indexed, indexed_view
from sparsetime.features.labels.stored_label import read_labels

if TYPE_CHECKING:
    from sparsetime.features.index import FeatureIndex

SEQUENCE, STEP, TYPE = "sequence", "first_step", "trial_type"
EVENT = "event"


@final
@dataclass(frozen=True)
class Onsets:
    """Onsets of one type of event: the place of each one's recording in the index, and its step."""

    type: str
    place: Int[np.ndarray, " events"]
    step: Int[np.ndarray, " events"]


def label_onsets(index: FeatureIndex, store: Store, label: str) -> pa.Table:
    """Events at which a label of steps takes another value: `sequence`, `first_step`, `trial_type`.

    The type is the new value. A recording's first step begins no event.

    Errors: UnknownNameError for a label that is not there; DataError for a numeric one.
    """
    view = indexed_view(index, store)
    labels = read_labels(view, [label])
    code = labels[0].code if labels else None
    if code is None:
        raise DataError(
            f"got the label {label!r}, which is a number, expected categories of steps, whose "
            f"changes are events; name another"
        )
    lengths = view.segments.numpy_lengths
    begins = np.cumsum(lengths) - lengths
    changes = np.append(False, code[1:] != code[:-1]) & (code >= 0)
    changes[begins[lengths > 0]] = False
    row = np.flatnonzero(changes)
    place = np.repeat(np.arange(len(lengths)), lengths)[row]
    values = labels[0].values
    return pa.table(
        {
            SEQUENCE: pa.array(np.asarray(view.sequence_indices)[place], pa.int64()),
            STEP: pa.array(row - begins[place], pa.int64()),
            TYPE: [values[at] for at in code[row].tolist()],
        }
    )


def store_events(store: Store) -> pa.Table:
    """The events that a store was annotated with. Errors: DataError where it has none."""
    events = store.events
    if not events.num_rows:
        raise DataError(
            f"{store.path} has no events; annotate it (sparsetime.annotate), or average around the "
            f"changes of a label"
        )
    return events


def read_onsets(index: FeatureIndex, events: Store | pa.Table | Mapping[str, Any]) -> list[Onsets]:
    """The onsets of every type, by type, on the indexed sequences; others are left out.

    `events` is a store that was annotated with some, or a table with the columns `sequence`
    (number in the whole store) and `first_step`; without `trial_type` all are of one type.

    Errors: MismatchError for missing columns; DataError for numbers that are not whole or missing,
    with the row for a step outside of its recording, and where no event lies in an indexed
    sequence.
    """
    if isinstance(events, Store):
        table = store_events(cut_as_indexed(index, events))
    else:
        table = events if isinstance(events, pa.Table) else pa.table(dict(events))
    missing = [name for name in (SEQUENCE, STEP) if name not in table.column_names]
    if missing:
        raise MismatchError(
            f"the events have the columns {', '.join(table.column_names)}, expected {SEQUENCE!r} "
            f"and {STEP!r}; take those of a store, or of label_onsets"
        )
    sequence, step = (_whole_numbers(table, name) for name in (SEQUENCE, STEP))
    numbers = to_numpy(index.sequences, "sequence")
    lengths = to_numpy(index.sequences, "length")
    place = np.searchsorted(numbers, sequence).clip(max=max(len(numbers) - 1, 0))
    inside = numbers[place] == sequence
    wrong = np.flatnonzero(inside & ((step < 0) | (step >= lengths[place])))
    if len(wrong):
        row = int(wrong[0])
        raise DataError(
            f"event {row + 1} begins at step {step[row]} of sequence {sequence[row]}, which has "
            f"{lengths[place[row]]} steps; correct its {STEP}"
        )
    if not inside.any():
        raise DataError(
            f"got {len(sequence)} events, none of them in an indexed sequence; annotate the store "
            f"with events of its recordings"
        )
    types = table[TYPE].to_pylist() if TYPE in table.column_names else [EVENT] * len(sequence)
    texts = np.array([EVENT if one is None else str(one) for one in types])
    return [
        Onsets(str(name), place[chosen], step[chosen])
        for name in np.unique(texts[inside])
        for chosen in [np.flatnonzero(inside & (texts == name))]
    ]


def _whole_numbers(table: pa.Table, name: str) -> Int[np.ndarray, " events"]:
    try:
        column = table[name].cast(pa.int64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        column = None
    if column is None or column.null_count:
        raise DataError(
            f"got events whose column {name!r} is of type {table[name].type} with "
            f"{table[name].null_count} empty values, expected whole numbers; correct the table"
        )
    return np.array(column, dtype=np.int64)
