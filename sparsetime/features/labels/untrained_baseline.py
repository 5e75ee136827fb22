"""Activations of an untrained copy of a model on indexed sequences, as a baseline of labels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sparsetime.activations.capture.as_documents import as_documents
from sparsetime.activations.capture.capture import capture
from sparsetime.activations.capture.document import Document
from sparsetime.activations.capture.stored_documents import stored_documents
from sparsetime.activations.readers.recordings import Recordings, recordings_of
from sparsetime.activations.store.store import Store
from sparsetime.errors import MismatchError
from sparsetime.features.indexed_view import cut_alike
from sparsetime.models.load import LoadedModel, load_model
from sparsetime.models.model_hash import is_model
from sparsetime.models.untrained import untrained_copy

if TYPE_CHECKING:
    from torch import nn


def untrained_activations(
    view: Store,
    store: Store,
    model: str | Path | nn.Module | LoadedModel,
    data: Any,
    out: str,
    seed: int,
    progress: bool,
) -> Store:
    """A store of `view`'s sequences from an untrained copy of `model`, with the view's settings.

    store: what `view` is of, whose sequences are whole. data: what it was captured from, of which
    the view's sequences are taken by their ids; None: the texts and inputs that the store keeps.

    Errors: MismatchError for another model than the view's, and for data without some of its
    sequences; DataError where `data` is None and inputs were not kept; those of `untrained_copy`.
    """
    loaded = load_model(model)
    if not is_model(loaded.model, loaded.revision_or_hash, view.model_hash):
        raise MismatchError(
            f"got the model {loaded.name!r}, whose weights are not those that {view.path} was "
            f"captured with, {view.model_name!r}; give that model"
        )
    ids = view.sequences["id"].to_pylist()
    if data is None:
        places = np.flatnonzero(np.isin(store.sequence_indices, view.sequence_indices))
        documents = stored_documents(store.of_sequences(places))
    else:
        documents = _with_ids(data, set(ids))
    twin = capture(
        *(untrained_copy(loaded, seed), documents, view.site, out),
        settings_from=view,
        progress=progress,
    )
    own = twin.sequences["id"].to_pylist()
    if own != ids:
        lacking = next((one for one in ids if one not in set(own)), ids[0])
        raise MismatchError(
            f"got data with {len(own)} of the {len(ids)} indexed sequences of {view.path}; "
            f"{lacking!r} is not in its place; give the data that the store was captured from"
        )
    return cut_alike(twin, view)


def _with_ids(data: Any, ids: set[str]) -> Iterator[Document]:
    recordings = data if isinstance(data, Recordings) else recordings_of(data)
    if recordings is not None:  # whose files are not read where they are not wanted
        return iter(Recordings([one for one in recordings.outlines if one.id in ids]))
    return (document for document in as_documents(data) if document.id in ids)
