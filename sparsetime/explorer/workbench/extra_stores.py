"""Stores of a run at the extra sites of a sequence model, such as reads and surprise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from sparsetime.errors import SparsetimeError
from sparsetime.explorer.run_contents import store_names
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.features.indexed_view import cut_alike

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.activations.store.stored_sequence import StoredSequence

_SITES = ".sites."
COLUMNS = 1000


def extra_sequences(
    opened: RunCache, key: str, sequence: int, name: str
) -> list[tuple[str, StoredSequence]]:
    """The rows of a sequence at every extra site of this name, with the site's short name.

    Stores of other recordings, of another model or with other rows are left out.
    """
    from sparsetime.activations.store.open_store import open_store

    shown = opened.dictionary(key).store
    view = shown.of_sequences(np.flatnonzero(shown.sequence_indices == sequence))
    found = []
    for folder in store_names(opened.folder):
        try:
            store = open_store((opened.folder / folder).url)
        except SparsetimeError:  # which the notes of the run name
            continue
        if not store.site.endswith(f"{_SITES}{name}") or store.model_hash != shown.model_hash:
            continue
        stored = _same_rows(store, view)
        if stored is not None:
            found.append((f"{block_of(store.site)}:{name}", stored))
    return found


def block_of(site: str) -> str:
    """The block of an extra site: "blocks.0" of "blocks.0.mixer.sites.reads"."""
    path = site.partition(_SITES)[0]
    head, _, part = path.rpartition(".")
    return head if part in ("mixer", "channel") else path


def _same_rows(store: Store, view: Store) -> StoredSequence | None:
    """The rows of the one sequence of a view in another store; None where it has others."""
    own = view.sequence(0)
    places = np.flatnonzero(np.asarray(store.sequences["id"].to_pylist(), dtype=object) == own.id)
    if len(places) == 0:
        return None
    other = store.of_sequences(places[:1])
    if view.whole_sequences:
        stored = other.sequence(0)
        return stored if len(stored) == len(own) else None
    stored = cut_alike(other, view).sequence(0)
    is_same = len(stored) == len(own) and np.allclose(stored.times, own.times)
    return stored if is_same else None


def strongest(
    values: Float[np.ndarray, "steps numbers"],
) -> tuple[Float[np.ndarray, "columns numbers"], float]:
    """At most 1,000 columns, each the values of largest magnitude of its steps; its steps."""
    values = np.nan_to_num(np.asarray(values, dtype=np.float64))
    columns = min(COLUMNS, len(values))
    if columns in (0, len(values)):
        return values, 1.0
    edges = np.linspace(0, len(values), columns + 1)
    begins = edges[:-1].astype(int)
    high = np.maximum.reduceat(values, begins)
    low = np.minimum.reduceat(values, begins)
    return np.where(high >= -low, high, low), len(values) / columns
