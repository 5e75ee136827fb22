"""Documents of a store again: what its model was given, from the texts and inputs that it keeps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sparsetime.activations.capture.document import Document
from sparsetime.activations.capture.recording import Recording
from sparsetime.activations.store.manifest import ROWS
from sparsetime.errors import DataError

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store


def stored_documents(store: Store) -> Iterator[Document]:
    """The documents of a store's sequences, in order, without their labels and events.

    Errors, before the first document: DataError for a store whose inputs were not kept, for parts
    of sequences, and for sites of a decoder, whose tokens a store does not keep.
    """
    if not store.whole_sequences:
        raise DataError(
            f"got a view of {store.path} that holds parts of sequences, expected whole ones; give "
            "the data again"
        )
    if store.manifest.capture.get(ROWS, {}).get("clock", {}).get("follows") == "decoder":
        raise DataError(
            f"got a store of the decoder's site {store.site!r}, whose tokens are not kept; give "
            "the data again"
        )
    for place in range(store.sequences.num_rows):
        sequence = store.sequence(place)
        if sequence.text is None and not (sequence.input and sequence.input.is_kept):
            raise DataError(
                f"{store.path} keeps neither text nor input of {sequence.id!r}; give the data "
                "again, or capture with keep_input=True, on the command line --keep-input"
            )
    return _documents(store)


def _documents(store: Store) -> Iterator[Document]:
    are_tokens = "token" in store.reader.step_columns()
    for place in range(store.sequences.num_rows):
        sequence = store.sequence(place)
        if sequence.text is not None:
            yield Document(sequence.id, text=sequence.text, unit=sequence.unit)
            continue
        kept = sequence.input
        assert kept is not None, "checked before the first document"
        values = kept.values()
        recording = Recording(kept.rate, kept.channels, kept.channel_units, kept.recorded)
        yield Document(
            sequence.id,
            tokens=values[:, 0] if are_tokens else None,
            values=None if are_tokens else values,
            start=kept.start,
            step=kept.step,
            unit=kept.unit,
            times=kept.uneven_times,
            recording=recording,
        )
