"""The data of a capture with their labels, events and times, which can be read again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, final

from torch import Tensor

from sparsetime.activations.capture.as_documents import as_documents
from sparsetime.activations.capture.capture_annotations import CaptureAnnotations, is_table
from sparsetime.activations.capture.capture_part import CapturePart
from sparsetime.activations.capture.capture_progress import ProgressTotal
from sparsetime.activations.capture.containers import items_of
from sparsetime.activations.capture.dataset_documents import DatasetDocuments
from sparsetime.activations.capture.document import Document, Times
from sparsetime.activations.capture.forward_passes import ForwardPasses
from sparsetime.activations.readers.recordings import Recordings, recordings_of


@final
@dataclass(frozen=True)
class CaptureData:
    """What a capture is given: data, labels, events and times; see `capture`.

    has_rate: whether the rate of rows is given, so that none is needed of recordings.
    """

    data: Any
    labels: Any | None
    events: Any | None
    times: Iterable[Times] | None
    has_rate: bool = False

    @property
    def is_repeatable(self) -> bool:
        """Whether all of it can be read again, as lists and files can, and iterators cannot."""
        data = self.data.data if isinstance(self.data, DatasetDocuments) else self.data
        return not any(isinstance(one, Iterator) for one in (data, self.labels, self.times))

    def opened(self, part: CapturePart | None) -> OpenedData:
        """The documents, from the first on, with tables checked against the headers of files.

        Errors: those of the readers and of `CaptureAnnotations`.
        """
        data = recordings_of(self.data, self.has_rate) or items_of(self.data)
        in_tables = is_table(self.labels)
        annotations = CaptureAnnotations(self.labels if in_tables else None, self.events)
        if isinstance(data, Recordings) and self.times is None:
            annotations.check(data)
        items = as_documents(data, None if in_tables else self.labels, self.times)
        total = ProgressTotal(data, 1 if part is None else part.total)
        in_memory = isinstance(data, list | tuple | Tensor)
        return OpenedData(annotations.applied(items), in_memory, annotations, total, part)


@final
@dataclass(frozen=True)
class OpenedData:
    """Documents to be read once, and what notes their labels, events and size.

    in_memory: whether they are cheap to read twice. part: of the documents; None for all.
    """

    items: Iterator[Document]
    in_memory: bool
    annotations: CaptureAnnotations
    total: ProgressTotal
    part: CapturePart | None

    def documents(self, passes: ForwardPasses) -> Iterator[Document]:
        """The documents of the part. Errors: those of `ForwardPasses.check`, of all in memory."""
        part = self.part
        if not self.in_memory:
            if part is None:
                return self.items
            return islice(self.items, part.number, None, part.total)
        # Errors are found before any long work.
        documents = list(self.items)
        self.annotations.check()
        passes.check(documents)
        documents = documents if part is None else part.of_documents(documents)
        self.total.count_documents(documents)
        return iter(documents)
