"""What a probe reads from a store: activations, codes and labels of its steps or sequences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sparsetime.activations.store.stored_sequence import StoredSequence, labels_of_steps
from sparsetime.codes import SparseCode, concatenate
from sparsetime.errors import DataError, MismatchError, unknown_name
from sparsetime.features.code_source import check_not_empty
from sparsetime.features.encoding import encode_store
from sparsetime.statistics.linear_probe import as_strings, sparse_matrix
from sparsetime.statistics.pooling import pooled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sparsetime.activations.store.store import Store
    from sparsetime.dictionaries.dictionary import Dictionary


@final
@dataclass(frozen=True, eq=False)
class ProbeRows:
    """Steps of a store without those that are left out, and the labels of a probe's rows.

    kept: the steps of each sequence that are not left out; lengths: how many. labels: one a step
    where `of_steps`, else one a sequence.
    """

    activations: Float[Tensor, "steps d"]
    code: SparseCode | None
    kept: tuple[Bool[Tensor, " time"], ...]
    labels: NDArray[np.object_]
    of_steps: bool

    @property
    def lengths(self) -> Int[np.ndarray, " sequences"]:
        return np.array([int(mask.sum()) for mask in self.kept])

    def pooled(self, x: SparseCode | Tensor, pool: str) -> Any:
        """The rows of a probe as a CSR matrix: steps, or pooled sequences."""
        if not self.of_steps:
            return pooled(x, self.lengths, pool)
        from scipy.sparse import csr_matrix

        return sparse_matrix(x) if isinstance(x, SparseCode) else csr_matrix(x.double().numpy())


def probe_rows(store: Store, label: str, dictionary: Dictionary | None, show: bool) -> ProbeRows:
    """The rows of a probe for the label, with codes where a dictionary is given.

    A label is of steps where the store has a step column of that name, else of sequences.
    Errors: UnknownNameError for a label that the store does not have; those of `encode_store`.
    """
    check_not_empty(store)
    activations, codes, kept = [], [], []
    labels: list[Any] = []
    of_steps = False
    for stored, mask, code in _sequences(store, dictionary, show):
        of_steps = label in stored.steps.column_names
        values = labels_of_steps(stored, label)
        if values is None:
            names = [*stored.steps.column_names, "document", *stored.labels]
            raise unknown_name("label", label, names)
        labels += [values[t] for t in mask.nonzero()[:, 0].tolist()] if of_steps else values[:1]
        activations.append(stored.values[mask])
        kept.append(mask)
        if code is not None:
            codes.append(code)
    code = concatenate(codes) if codes else None
    return ProbeRows(torch.cat(activations), code, tuple(kept), as_strings(labels), of_steps)


def activations_of(
    store: Store, kept: tuple[Bool[Tensor, " time"], ...]
) -> Float[Tensor, "steps d"]:
    """The activations of another store at the same steps.

    Errors: MismatchError where its sequences are others; DataError where its capture left out steps
    that are read.
    """
    lengths = store.sequences["length"].to_pylist()
    expected = [len(mask) for mask in kept]
    if lengths != expected:
        raise MismatchError(
            f"got an untrained store of {len(lengths)} sequences and {sum(lengths):,} steps, "
            f"expected {len(expected)} and {sum(expected):,}, those of the same data; capture both "
            f"from one list of documents"
        )
    values = torch.cat([store.sequence(i).values[mask] for i, mask in enumerate(kept)])
    if not bool(values.isfinite().all()):
        raise DataError(
            "got an untrained store whose capture left out steps that are read of the trained one, "
            "expected all of them; capture it without an exclusion"
        )
    return values


def _sequences(
    store: Store, dictionary: Dictionary | None, show: bool
) -> Iterator[tuple[StoredSequence, Tensor, SparseCode | None]]:
    """Every sequence, the steps of it that are kept, and their code where there is a dictionary."""
    if dictionary is None:
        for number in range(len(store.sequence_indices)):
            stored = store.sequence(number)
            yield stored, stored.kept, None
        return
    for sequence in encode_store(dictionary, store, show):
        parts = [part.code for part in sequence.kept_parts()]
        yield sequence.stored, sequence.kept, concatenate(parts)
