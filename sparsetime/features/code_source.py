"""Code sources: whatever gives a sparse code for each sequence of a store.

A dictionary is one (`dictionary_codes`), codes computed elsewhere are another (`array_codes`). The
index, the timeline, label association, matching and export read nothing but what is named here; the
sequences, their words and labels come from the store.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.errors import DataError

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.activations.store.stored_sequence import StoredSequence
    from sparsetime.codes import SparseCode


class CodeSource(ABC):
    """Sparse codes of stored sequences, with the names and provenance of their latents.

    A subclass sets the first four attributes and defines `code`; the rest has defaults.

    kind: the kind of source, such as "dictionary" or "arrays". name: its name on pages. width: the
    number of latents. fingerprint: SHA-256, as hex, of all that decides the codes, such as the
    weights. groups: ends of the nested groups of latents, None for one group. group_names: names of
    the first group and of the rest. latent_names: one per latent, None for a latent without.
    trained_on: the record of the data that the source was trained on, as `st.train` writes it; None
    where there is none. device: the device that encodes.
    """

    kind: str
    name: str
    width: int
    fingerprint: str
    groups: tuple[int, ...] | None = None
    group_names: tuple[str, str] | None = None
    latent_names: Sequence[str | None] | None = None
    trained_on: Mapping[str, Any] | None = None
    device: torch.device = torch.device("cpu")

    @abstractmethod
    def code(self, sequence: StoredSequence) -> SparseCode:
        """The code of a whole sequence, of shape (time,), on the CPU."""

    def codes(
        self, sequences: Iterable[StoredSequence]
    ) -> Iterator[tuple[StoredSequence, SparseCode]]:
        """Every sequence with its code, in order; override it where batches are faster."""
        return ((sequence, self.code(sequence)) for sequence in sequences)

    def check(self, store: Store) -> None:
        """Refuse a store that the source cannot encode.

        Errors: MismatchError for a store of another site or width; DataError for an empty one.
        """
        check_not_empty(store)

    def directions(self) -> Float[Tensor, "width d"] | None:
        """One direction per latent in activation space; None where latents have none.

        Sources are matched by the cosine of their directions, and without them by the cosine of
        their activation values over the same steps.
        """
        return None


def check_not_empty(store: Store) -> None:
    """Errors: DataError for a store without rows."""
    if len(store) == 0:
        raise DataError(
            "the store holds no rows, so there is nothing to encode. Capture more data."
        )
