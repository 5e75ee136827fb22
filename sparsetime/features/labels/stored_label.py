"""Labels and events of a store on the steps of an index: codes of categories, or numbers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
import pyarrow as pa
import pyarrow.compute
from jaxtyping import Float, Int

from sparsetime.activations.store.input_columns import (
    ROW_DURATION,
    ROW_PLACE,
    ROW_START,
    ROW_X,
    ROW_Y,
)
from sparsetime.errors import DataError, unknown_name
from sparsetime.features.arrow_numpy import to_numpy

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store

#: Columns of stores that label nothing: numbers and times of rows.
NO_LABELS = (
    *("sequence", "position", "token", "char_start", "char_end", "document"),
    *(ROW_START, ROW_DURATION, ROW_Y, ROW_X),
)
PLACE = "place"  #: name of a row's place, as features and rules show it
MOST_VALUES = 1000
FLAGS = ("False", "True")
_MOST_TYPES, _MOST_FLAGS = 200, 64
NO_EVENT = "no event"
MOST_INTEGERS = 64  # distinct whole numbers that are categories; more are a numeric label


@final
@dataclass(frozen=True)
class StoredLabel:
    """One label on the rows of an index.

    values: the text of each category; empty for a numeric label. code: int32 [rows], the category
    of each row, -1 without the label. number: float64 [rows] of a numeric label, NaN without it.
    background: whether the first category is what lies between events, which no feature is to name.
    """

    name: str
    values: tuple[str, ...] = ()
    code: Int[np.ndarray, " rows"] | None = None
    number: Float[np.ndarray, " rows"] | None = None
    background: bool = False


def sequence_labels(view: Store) -> dict[str, list[Any]]:
    """The values of every sequence label of a view, None for a sequence without it."""
    parsed = [json.loads(text) if text else {} for text in view.sequences["labels"].to_pylist()]
    names = dict.fromkeys(name for labels in parsed for name in labels)
    return {name: [labels.get(name) for labels in parsed] for name in names}


def read_labels(
    view: Store, only: Sequence[str] | None = None, numeric: Sequence[str] = ()
) -> list[StoredLabel]:
    """All labels of a view: step columns, labels of sequences, and types of events.

    Events are one label "event", whose values are the types and "no event"; where events of several
    types overlap, each type is a label of its own. The place of a row in a feature map is the label
    "place".

    Floats, and whole numbers with more than 64 distinct values, are numeric; everything else is a
    category. numeric: further labels of numbers that are to be numeric. only: names to read.

    Left out are categories with more than 1,000 values, and those with another value on every
    sequence, which are names of documents.

    Errors: UnknownNameError for a name in `only` or `numeric` that the store does not have;
    DataError for a name in `only` that is left out.
    """
    columns, of_sequences = view.steps(), sequence_labels(view)
    if not {PLACE} & {*columns.column_names, *of_sequences}:
        shown = [PLACE if name == ROW_PLACE else name for name in columns.column_names]
        columns = columns.rename_columns(shown)
    names = [name for name in columns.column_names if name not in NO_LABELS]
    names += [name for name in of_sequences if name not in (*NO_LABELS, *names)]
    events = {label.name: label for label in event_labels(view) if label.name not in names}
    names += list(events)
    for name in (*(only or ()), *numeric):
        if name not in names:
            raise unknown_name("label", name, names)
    lengths = view.segments.numpy_lengths
    labels = []
    for name in names if only is None else only:
        if name in columns.column_names:
            label = _label(name, columns[name], name in numeric)
        elif name in of_sequences:
            label = _label(name, _array(of_sequences[name]), name in numeric)
            label = None if label is None else _repeated(label, lengths)
        else:
            label = events[name]
        if label is not None and not _names_documents(label, lengths):
            labels.append(label)
        elif only is not None:
            raise DataError(
                f"got the label {name!r}, which is no number, text or flag, has more than "
                f"{MOST_VALUES:,} values, or another one on every recording; leave it out"
            )
    return labels


def event_labels(view: Store) -> list[StoredLabel]:
    """The events of a view as labels of its rows; of many types the most frequent."""
    events = view.events
    counts = Counter(one for one in events["trial_type"].to_pylist() if one is not None)
    types = [name for name, _ in counts.most_common(_MOST_TYPES)]
    if not types:
        return []
    code = np.zeros(view.segments.rows, dtype=np.int32)
    for number, name in enumerate(sorted(types), 1):
        covered = _covered(view, events, name) > 0
        if (code[covered] > 0).any():  # two types at once
            flags = ((name, _covered(view, events, name)) for name in types[:_MOST_FLAGS])
            return [
                StoredLabel(name, (NO_EVENT, name), flag, background=True) for name, flag in flags
            ]
        code[covered] = number
    return [StoredLabel("event", (NO_EVENT, *sorted(types)), code, background=True)]


def _covered(view: Store, events: pa.Table, kind: str) -> Int[np.ndarray, " rows"]:
    """1 on the rows that an event of a type covers, 0 elsewhere."""
    own = events.filter(pa.compute.equal(events["trial_type"], kind))
    begins = view.segments.numpy_offsets
    place = np.searchsorted(view.sequence_indices, to_numpy(own, "sequence"))
    code = np.zeros(begins[-1] + 1, dtype=np.int32)
    # Counts of the events that began and of those that ended, row by row.
    np.add.at(code, begins[place] + to_numpy(own, "first_step"), 1)
    np.add.at(code, begins[place] + to_numpy(own, "stop_step"), -1)
    return (np.cumsum(code)[:-1] > 0).astype(np.int32)


def _array(values: list[Any]) -> pa.ChunkedArray:
    """Values of JSON as one Arrow array; those of mixed types as text."""
    try:
        return pa.chunked_array([pa.array(values)])
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.chunked_array([pa.array([None if v is None else str(v) for v in values])])


def _label(name: str, column: pa.ChunkedArray, numeric: bool) -> StoredLabel | None:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    whole = pa.types.is_integer(kind)
    if pa.types.is_floating(kind) or (
        whole and (numeric or len(column.unique().drop_null()) > MOST_INTEGERS)
    ):
        number = np.array(column.cast(pa.float64()).fill_null(np.nan))
        return StoredLabel(name, number=number) if np.isfinite(number).any() else None
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if not (whole or text or pa.types.is_boolean(kind)):
        return None
    encoded = column.combine_chunks().dictionary_encode()
    present = encoded.dictionary.to_pylist()
    order = sorted(range(len(present)), key=lambda place: present[place])
    if not present or len(present) > MOST_VALUES:
        return None
    number_of = np.append(np.argsort(order), -1)  # of the dictionary's places; the last is null
    places = np.array(encoded.indices.fill_null(len(present)))
    values = tuple(str(present[place]) for place in order)
    return StoredLabel(name, values, number_of[places].astype(np.int32))


def _repeated(label: StoredLabel, lengths: Int[np.ndarray, " sequences"]) -> StoredLabel:
    """A label of sequences on their steps."""
    code = None if label.code is None else np.repeat(label.code, lengths)
    number = None if label.number is None else np.repeat(label.number, lengths)
    return StoredLabel(label.name, label.values, code, number)


def _names_documents(label: StoredLabel, lengths: Int[np.ndarray, " sequences"]) -> bool:
    """Whether a category has another value on every sequence, as an id or a title does."""
    lengths = lengths[lengths > 0]
    if label.code is None or len(lengths) < 2 or len(label.values) < 2:
        return False
    begins = np.cumsum(lengths) - lengths
    least = np.minimum.reduceat(label.code, begins)
    most = np.maximum.reduceat(label.code, begins)
    labelled = least[least >= 0]
    return bool((least == most).all() and len(np.unique(labelled)) == len(labelled))
