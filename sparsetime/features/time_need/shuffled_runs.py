"""A model's activations of stored sequences in order and in random orders of their steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Int

from sparsetime import seeds
from sparsetime.activations.capture.as_documents import as_documents
from sparsetime.activations.capture.capture import capture
from sparsetime.activations.capture.document import Document
from sparsetime.activations.capture.stored_documents import stored_documents
from sparsetime.errors import DataError, MismatchError
from sparsetime.features.time_need.shuffled_documents import input_documents, shuffled_document

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.models.load import LoadedModel


@final
@dataclass(frozen=True, eq=False)
class ShuffledRun:
    """Activations of sequences whose steps are in some order.

    places: by sequence, the place in order of each of its rows.
    """

    store: Store
    places: tuple[Int[np.ndarray, " rows"], ...]


@final
class ShuffledRuns:
    """Captures of the sequences of a view in random orders, with the view's settings.

    data: what the view was captured from; None for the texts and inputs that it keeps.

    Errors: DataError for parts of sequences that are no texts; those of `input_documents`, and of
    `stored_documents` where there is no data.
    """

    def __init__(
        self, view: Store, data: Any, tokenizer: Any, block: int, seed: int, folder: str, show: bool
    ) -> None:
        sequences = [view.sequence(place) for place in range(len(view.sequence_indices))]
        documents: dict[str, Document] = {}
        if any(sequence.text is None for sequence in sequences):
            if not view.whole_sequences:
                raise DataError(
                    f"got parts of sequences of {view.path}, expected whole ones, whose input is "
                    "given to the model again; index the whole store"
                )
            ids = {sequence.id for sequence in sequences}
            given = stored_documents(view) if data is None else as_documents(data)
            documents = {one.id: one for one in given if one.id in ids}
        self._view, self._documents = view, input_documents(sequences, documents, tokenizer)
        self._rows = [len(sequence) for sequence in sequences]
        self._block, self._seed, self._folder, self._show = block, seed, folder, show

    def run(self, name: str, model: LoadedModel, order: int) -> ShuffledRun:
        """The activations of a model in an order of this number; 0 is the order of time.

        Errors: MismatchError where the model gives other rows than the view has.
        """
        documents, places = [], []
        for number, ((document, before, after), rows) in enumerate(
            zip(self._documents, self._rows, strict=True)
        ):
            draw = seeds.numpy_generator(self._seed, "shuffled inputs", order, number)
            moved, place = shuffled_document(
                *(document, (before, after), rows), block=self._block, draw=draw
            )
            documents.append(moved if order else document)
            places.append(place if order else np.arange(rows))
        out = f"{self._folder}/{name}-{order}"
        site = self._view.site
        store = capture(model, documents, site, out, settings_from=self._view, progress=self._show)
        lengths = store.segments.numpy_lengths.tolist()
        if lengths != self._rows:
            raise MismatchError(
                f"got {sum(lengths):,} rows of {self._view.path} captured again, expected "
                f"{sum(self._rows):,}; give the data that the store was captured from"
            )
        return ShuffledRun(store, tuple(places))
