"""Finished build of a testbed: its store, opened where the folder holds one of the same model."""

from __future__ import annotations

from sparsetime.activations.store.manifest import MANIFEST
from sparsetime.activations.store.open_store import open_store
from sparsetime.activations.store.store import Store
from sparsetime.errors import StoreError
from sparsetime.files import Folder
from sparsetime.models.load import LoadedModel
from sparsetime.models.model_hash import is_model


def finished_build(folder: str, model: LoadedModel) -> Store | None:
    """The store in `folder`; None where its capture has not begun or was interrupted.

    Errors: StoreError for a store of other weights than the model's.
    """
    target = Folder(folder)
    if not (target.exists(MANIFEST) and target.read_json(MANIFEST).get("complete")):
        return None
    store = open_store(folder)
    if not is_model(model.model, model.revision_or_hash, store.model_hash):
        raise StoreError(
            f"{folder} holds the testbed of other weights ({store.model_name}) than those asked "
            f"for ({model.name}): choose another folder"
        )
    return store
