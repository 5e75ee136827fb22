"""Annotations beside a store's shards: events.parquet and labels.parquet, each with a checksum."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from sparsetime.activations.annotations.event_table import DURATION, ONSET, SEQUENCE, TRIAL_TYPE
from sparsetime.activations.annotations.label_table import ID
from sparsetime.errors import DamagedError
from sparsetime.files import Folder
from sparsetime.files.formats import table_bytes

EVENTS, LABELS = "events.parquet", "labels.parquet"
_VERSION = 1
_AGAIN = "Copy the store again, or annotate it again with sparsetime.annotate"

#: What every table of events holds. sequence: number within the whole store, as in its step columns
#: and `StoredSequence.index`. onset, duration: in the unit of the sequence, on its own clock.
EVENT_SCHEMA = pa.schema(
    [
        (SEQUENCE, pa.int32()),
        (ONSET, pa.float64()),
        (DURATION, pa.float64()),
        (TRIAL_TYPE, pa.string()),
    ]
)
_LABEL_SCHEMA = pa.schema([(SEQUENCE, pa.int32()), ("labels", pa.string())])


def write_events(
    folder: Folder, rows: Sequence[Mapping[str, Any]], numbers: Mapping[str, int]
) -> None:
    """Write the events of a store, by sequence and onset. numbers: of each sequence, by id."""
    own = [{**row, SEQUENCE: numbers[row[ID]]} for row in rows]
    others = sorted({name for row in own for name in row} - {ID, *EVENT_SCHEMA.names})
    columns = {
        name: pa.array([row[name] for row in own], EVENT_SCHEMA.field(name).type)
        for name in EVENT_SCHEMA.names
    }
    columns |= {name: _column([row.get(name) for row in own]) for name in others}
    table = pa.table(columns).sort_by([(SEQUENCE, "ascending"), (ONSET, "ascending")])
    folder.write_bytes(EVENTS, table_bytes(table.combine_chunks(), _VERSION))


@final
@dataclass(frozen=True)
class StoredEvents:
    """The events of a store, read when they are asked for.

    parts: of a joined store, the events of each part and the number in the whole of each of its
    sequences. Events that were added to the joined store itself replace those of its parts.
    """

    folder: Folder
    sequences: int
    parts: tuple[tuple[StoredEvents, Int[np.ndarray, " sequences"]], ...] = ()

    def table(self) -> pa.Table:
        """All events, by sequence and onset; see EVENT_SCHEMA."""
        own = _read_table(self.folder, EVENTS, EVENT_SCHEMA, self.sequences)
        if own is not None:
            return own
        tables = [EVENT_SCHEMA.empty_table()]
        for part, numbers in self.parts:
            table = part.table()
            moved = pa.array(numbers[table[SEQUENCE].to_numpy()].astype(np.int32))
            tables.append(table.set_column(0, SEQUENCE, moved))
        whole = pa.concat_tables(tables, promote_options="permissive")
        return whole.sort_by([(SEQUENCE, "ascending"), (ONSET, "ascending")])


def write_labels(folder: Folder, labels: Mapping[int, Mapping[str, Any]]) -> None:
    """Write labels of sequences, by their number; each replaces those of its capture by name."""
    columns = {
        SEQUENCE: pa.array(list(labels), pa.int32()),
        "labels": pa.array([json.dumps(dict(own), sort_keys=True) for own in labels.values()]),
    }
    folder.write_bytes(LABELS, table_bytes(pa.table(columns, schema=_LABEL_SCHEMA), _VERSION))


def added_labels(folder: Folder, sequences: int) -> dict[int, dict[str, Any]]:
    """Labels that were added since the capture, by the number of their sequence."""
    table = _read_table(folder, LABELS, _LABEL_SCHEMA, sequences)
    if table is None:
        return {}
    pairs = zip(table[SEQUENCE].to_pylist(), table["labels"].to_pylist(), strict=True)
    return {number: json.loads(text) for number, text in pairs}


def with_labels(folder: Folder, table: pa.Table) -> pa.Table:
    """The sequence table with the labels that were added since the capture."""
    added = added_labels(folder, table.num_rows)
    if not added:
        return table
    labels = [
        json.loads(text) | added.get(n, {}) for n, text in enumerate(table["labels"].to_pylist())
    ]
    column = pa.array([json.dumps(own, sort_keys=True) for own in labels], pa.string())
    return table.set_column(table.schema.get_field_index("labels"), "labels", column)


def label_columns(sequences: pa.Table) -> pa.Table:
    """The labels of a sequence table: its `id`, and a column a label, null where it is missing."""
    labels = [json.loads(text) for text in sequences["labels"].to_pylist()]
    names = sorted({name for own in labels for name in own} - {ID})
    columns = {name: _column([own.get(name) for own in labels]) for name in names}
    return pa.table({ID: sequences[ID], **columns})


def _read_table(folder: Folder, name: str, schema: pa.Schema, sequences: int) -> pa.Table | None:
    if not folder.exists(name):
        return None
    table = folder.read_table(name, _VERSION, _AGAIN)
    if any(column not in table.column_names for column in schema.names) or not (
        _last(table) < sequences
    ):
        raise DamagedError(
            f"{folder.url}/{name} belongs to another store: this one has {sequences:,} sequences. "
            f"{_AGAIN}"
        )
    return table


def _last(table: pa.Table) -> int:
    return int(table[SEQUENCE].to_numpy().max(initial=-1))


def _column(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # of several kinds
        return pa.array([None if value is None else str(value) for value in values])
