"""What matching reads of a side: the directions of its features, or their codes over a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, final

import numpy as np
import torch
from jaxtyping import Float, Int

from sparsetime.codes import concatenate
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import ConfigError, MismatchError
from sparsetime.features.arrow_numpy import to_numpy
from sparsetime.features.encoding import encode_store
from sparsetime.features.feature_entries import feature_entries
from sparsetime.features.index import FeatureIndex
from sparsetime.features.index_directions import index_directions
from sparsetime.statistics.linear_probe import sparse_matrix

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store

#: A dictionary or the index of any code source.
Matchable: TypeAlias = Dictionary | FeatureIndex


@final
@dataclass(frozen=True, eq=False)
class SparseColumns:
    """Activation values of features over steps.

    matrix: scipy CSC [rows, width], |activation values|. lengths: steps of each sequence. ids: of
    the sequences.
    """

    matrix: Any
    lengths: Int[np.ndarray, " sequences"]
    ids: tuple[str, ...]

    def same_sequences(self, other: SparseColumns) -> bool:
        """Whether both are of sequences with the same ids and lengths."""
        return self.ids == other.ids and np.array_equal(self.lengths, other.lengths)


def name_of(side: Matchable) -> str:
    """The name of a dictionary, or of what was indexed."""
    if isinstance(side, FeatureIndex):
        return str(side.record.get("dictionary", side.path))
    return side.name


def active_features(side: Matchable) -> Int[np.ndarray, " active"]:
    """The features that fire in the index; of a dictionary those whose direction is not zero."""
    if isinstance(side, FeatureIndex):
        return np.flatnonzero(to_numpy(side.features, "count") > 0)
    return np.flatnonzero(side.atoms.detach().norm(dim=1).cpu().numpy() > 0)


def directions(side: Matchable) -> Float[torch.Tensor, "width d"]:
    """One direction of length one per feature, float32 on the CPU.

    Errors: MismatchError for an index without directions; those of `index_directions`.
    """
    found = side.atoms.detach() if isinstance(side, Dictionary) else index_directions(side)
    if found is None:
        assert isinstance(side, FeatureIndex)
        raise MismatchError(
            f"{side.path} is of {side.kind}, which have no directions; match by='codes'"
        )
    return torch.nn.functional.normalize(found.float().cpu(), dim=1)


def columns(side: Matchable, store: Store | None) -> SparseColumns:
    """The codes of a side: of an index as they were stored, of a dictionary over the store.

    Errors: ConfigError for a dictionary without a store; those of `encode_store`.
    """
    if isinstance(side, FeatureIndex):
        entries = feature_entries(side)
        ids = tuple(side.sequences["id"].to_pylist())
        return SparseColumns(entries.matrix(), entries.lengths, ids)
    if store is None:
        raise ConfigError(
            f"got the dictionary {side.name!r} to match by codes without a store; give store=, or "
            f"its index"
        )
    parts = [encoded.code for encoded in encode_store(side, store, progress=False)]
    matrix = abs(sparse_matrix(concatenate(parts))).tocsc()
    ids = tuple(map(str, store.sequences["id"].to_pylist()))
    return SparseColumns(matrix, store.segments.numpy_lengths, ids)
