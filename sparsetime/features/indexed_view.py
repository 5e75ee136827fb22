"""The view of a store that an index was made of, also where it holds parts of sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sparsetime.activations.store.split import cut_sequences
from sparsetime.errors import DataError
from sparsetime.features.arrow_numpy import to_numpy
from sparsetime.features.index_files import SPANS

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.features.index import FeatureIndex


def indexed_view(index: FeatureIndex, store: Store) -> Store:
    """The view of the indexed sequences, in the order of the index, cut as the index holds them.

    Errors: DataError where `store` does not hold them, or holds them at another length.
    """
    numbers = to_numpy(index.sequences, "sequence")
    places = np.flatnonzero(np.isin(store.sequence_indices, numbers))
    if len(places) < len(numbers):
        raise DataError(
            f"got a view of the store with {len(places)} of the {len(numbers)} indexed sequences; "
            f"give the whole store"
        )
    return cut_as_indexed(index, store).of_sequences(places)


def cut_as_indexed(index: FeatureIndex, store: Store) -> Store:
    """The same sequences of a store; those that are indexed have the steps that the index has.

    An index of a split by time holds the last steps of every sequence, say.

    Errors: DataError where `store` has others of them.
    """
    numbers = to_numpy(index.sequences, "sequence")
    spans = index.record.get(SPANS)
    if spans is not None:
        store = cut_sequences(store, numbers, np.asarray(spans, dtype=np.int64).reshape(-1, 2))
    lengths = np.zeros(store.whole_table.num_rows, dtype=np.int64)
    inside = numbers < len(lengths)
    lengths[numbers[inside]] = to_numpy(index.sequences, "length")[inside]
    own = store.sequence_indices
    if (np.isin(own, numbers) & (store.segments.numpy_lengths != lengths[own])).any():
        raise DataError(
            f"the sequences of {store.path} have other lengths than those of the index "
            f"{index.path}; give the store that was indexed, or make the index again where an "
            "earlier version made it of parts of sequences (sparsetime index --force)"
        )
    return store


def cut_alike(store: Store, view: Store) -> Store:
    """`store`, whose sequences are those of `view`, cut at the same positions of each sequence.

    As it is where it is cut so already, or where a sequence does not have these positions.
    """
    lengths, own = view.segments.numpy_lengths, store.segments.numpy_lengths
    if len(own) != len(lengths) or (own == lengths).all() or (lengths == 0).any():
        return store
    first = view.segments.numpy_offsets[:-1]
    begin = view.steps(["position"])["position"].to_numpy()[first]
    if (begin + lengths > own).any():
        return store
    spans = np.stack([store.first_rows + begin, store.first_rows + begin + lengths], axis=1)
    return cut_sequences(store, store.sequence_indices, spans)
