"""Labels and events that a capture is given: checked against its documents, stored at its end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import pyarrow as pa

from sparsetime.activations.annotations.event_table import EventTable, RecordingTime, read_events
from sparsetime.activations.annotations.label_table import ID, LabelTable
from sparsetime.activations.annotations.stored_annotations import write_events
from sparsetime.activations.annotations.table_file import AnnotationTable
from sparsetime.activations.capture.document import Document
from sparsetime.errors import DataError
from sparsetime.files import Folder
from sparsetime.models.row_clock import RowClock

if TYPE_CHECKING:
    from sparsetime.activations.readers.recordings import Recordings
    from sparsetime.activations.store.store import Store


def is_table(labels: Any) -> bool:
    """Whether labels are a table by id, and not one mapping for each document in turn."""
    kinds = (str, Path, pa.Table, Mapping, AnnotationTable)
    return isinstance(labels, kinds) or type(labels).__name__ == "DataFrame"


@final
class CaptureAnnotations:
    """Tables of labels and events, and the events of the documents themselves.

    Errors: those of `LabelTable` and `EventTable`.
    """

    def __init__(self, labels: Any | None, events: Any | None) -> None:
        self._labels = None if labels is None else LabelTable(labels)
        self._tables = [] if events is None else read_events(events)
        # None: of a text, whose steps are known when it is tokenised.
        self._times: dict[str, RecordingTime | None] = {}
        self._rows: list[dict[str, Any]] = []

    def check(self, recordings: Recordings | None = None) -> None:
        """Check the tables against the headers of files, or against the documents noted so far.

        Errors: DataError with the table and the row.
        """
        times = self._times
        if recordings is not None:
            times = {
                one.id: None
                if one.length is None
                else RecordingTime(one.start, one.step, one.length)
                for one in recordings.outlines
            }
        if self._labels is not None:
            self._labels.check_ids(times)
        known = {name: time for name, time in times.items() if time is not None}
        if len(known) == len(times):
            for table in self._tables:
                table.rows_of(known)

    def check_clock(self, clock: RowClock) -> None:
        """Errors: DataError for events of a site whose rows have no time in the recording."""
        if clock.follows == "decoder" and (self._tables or self._rows):
            raise DataError(
                "got events for a site of the decoder, whose rows are the tokens that it reads and "
                "have no time in the recording; capture without events, and give those that are "
                "counted in these tokens to sparsetime.annotate"
            )

    def applied(self, documents: Iterable[Document]) -> Iterator[Document]:
        """The documents with the labels of the table; their events and times are noted.

        Errors: DataError for events of a document that are outside it, for two documents of one id,
        and, after the last document, for labels of one that does not exist.
        """
        for document in documents:
            named = self._labels or self._tables or document.events
            if named and document.id in self._times:
                raise DataError(
                    f"got two documents with the id {document.id!r}, so that labels and events "
                    "cannot say which they mean; give them ids of their own"
                )
            time = None
            if document.kind != "text":
                time = RecordingTime(document.start, document.step, len(document))
            self._times[document.id] = time
            if document.events:
                if time is None:
                    raise DataError(
                        f"got events of the text {document.id!r}, whose times are its tokens; give "
                        "them to sparsetime.annotate after the capture"
                    )
                own = [{**row, ID: document.id} for row in document.events]
                table = EventTable(own, f"the events of the document {document.id!r}")
                self._rows += table.rows_of({document.id: time})
            if self._labels is not None:
                labels = {**document.labels, **self._labels.of(document.id)}
                document = replace(document, labels=labels)
            yield document
        if self._labels is not None:
            self._labels.check_ids(self._times)

    def write(self, stores: Iterable[Store]) -> None:
        """Write the events of the captured documents beside the activations of every store."""
        if not (self._tables or self._rows):
            return
        for store in stores:
            rows = store.sequences.select([ID, "start", "step", "length"]).to_pylist()
            numbers = {row[ID]: number for number, row in enumerate(rows)}
            # Texts have the times of their rows; others those of their input, whatever the site's
            # rate is.
            times = {
                row[ID]: self._times.get(row[ID])
                or RecordingTime(row["start"], row["step"], row["length"])
                for row in rows
            }
            elsewhere = self._times.keys() - times.keys()
            of_tables = [r for table in self._tables for r in table.rows_of(times, elsewhere)]
            own = [row for row in self._rows if row[ID] in numbers]
            write_events(Folder(store.path), [*own, *of_tables], numbers)
