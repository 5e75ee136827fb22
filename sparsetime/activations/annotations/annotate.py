"""Annotate: add labels and events to a store that is already captured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparsetime.activations.annotations.event_table import RecordingTime, read_events
from sparsetime.activations.annotations.label_table import ID, LabelTable
from sparsetime.activations.annotations.stored_annotations import (
    added_labels,
    write_events,
    write_labels,
)
from sparsetime.activations.annotations.table_file import TableLike
from sparsetime.activations.store.manifest import ROWS
from sparsetime.activations.store.open_store import open_store
from sparsetime.activations.store.store import Store
from sparsetime.errors import ConfigError, DataError
from sparsetime.files import Folder, locks
from sparsetime.files.folder_url import folder_url


def _folder(arguments: Mapping[str, Any]) -> str:
    store = arguments["store"]
    return store.path if isinstance(store, Store) else folder_url(store, "store")


@locks("store", _folder)
def annotate(
    store: str | Path | Store, *, labels: TableLike | None = None, events: Any | None = None
) -> Store:
    """Store labels and events beside the activations of a store, and open it with them.

    labels: a table `id, label, …`, a row a recording (a .csv, .tsv or .parquet file, or a table in
    memory). A label replaces the one of that name; others stay.
    events: a table `onset, duration, trial_type`, as BIDS has them, with an `id` where the store
    has several recordings, or a list of such tables. They replace the events that the store has.

    The activations are not read. `store.labels` and `store.events` return what is stored.

    Errors: DataError, with the table and the row, before anything is written, for a recording that
    does not exist and for an event outside its recording; see `EventTable`.
    """
    if labels is None and events is None:
        raise ConfigError("got neither labels nor events, expected a table of at least one")
    path = _folder({"store": store})
    folder, whole = Folder(path), open_store(path)
    numbers = sequence_numbers(whole.sequences["id"].to_pylist())
    if labels is not None:
        table = LabelTable(labels)
        table.check_ids(numbers)
    if events is not None:
        times = recording_times(whole)
        found = [row for one in read_events(events) for row in one.rows_of(times)]
        write_events(folder, found, numbers)
    if labels is not None:
        earlier = added_labels(folder, whole.sequences.num_rows)
        named = {number: table.of(name) for name, number in numbers.items()}
        write_labels(folder, {n: {**earlier.get(n, {}), **own} for n, own in named.items()})
    return open_store(path)


def recording_times(store: Store) -> dict[str, RecordingTime]:
    """When every recording is, by id: its input where the store says it, else its rows.

    Rows of strided convolutions begin after their input and end before it. Rows of a decoder are
    counted in its own tokens.
    """
    rows, inputs = ("start", "step", "length"), ("input_start", "input_step", "input_length")
    clock = store.manifest.capture.get(ROWS, {}).get("clock", {})
    has_input = inputs[-1] in store.sequences.column_names and clock.get("follows") != "decoder"
    table = store.sequences.select([ID, *rows, *(inputs if has_input else ())])
    return {
        row[ID]: RecordingTime(
            *(row[name] for name in (rows if row.get(inputs[-1]) is None else inputs))
        )
        for row in table.to_pylist()
    }


def sequence_numbers(ids: list[str]) -> dict[str, int]:
    """The number of every sequence by id. Errors: DataError where two have the same."""
    name, count = Counter(ids).most_common(1)[0]
    if count > 1:
        raise DataError(
            f"got {count} recordings with the id {name!r}, so that a table cannot say which it "
            "means; give them ids of their own"
        )
    return {name: number for number, name in enumerate(ids)}
