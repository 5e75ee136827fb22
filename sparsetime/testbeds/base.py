"""Testbed: a store of activations over time with known labels, or known features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Int

from sparsetime.activations.store.store import Store
from sparsetime.models.load import LoadedModel
from sparsetime.testbeds.synthetic.generate import SyntheticData


@final
@dataclass(frozen=True, eq=False)
class Testbed:
    """Activations over time, with labels of every step.

    store: the activations. labels: names of step columns and sequence labels of the store, from
    the fastest to the slowest, which hold for a whole sequence. model: what the
    activations were captured from, None for synthetic ones. truth: the planted features, None
    without any; row `i` of its code is row `i` of the store. by_time: where sequences
    run on one clock, the label that says which are of the times that are held out; None where every
    sequence has a time of its own.
    """

    name: str
    store: Store
    labels: tuple[str, ...]
    model: LoadedModel | None = None
    truth: SyntheticData | None = None
    by_time: str | None = None

    def split(self, held_out: float = 0.1, seed: int = 0) -> tuple[Store, Store]:
        """Two views, (train, held out): by document, or by time where sequences run on one clock.

        By time, the first has no sequence of the times held out, and the second as many of those as
        make up the share `held_out` of all sequences, or all of them where they are fewer.

        Errors: those of `Store.split`; DataError where no sequence is of the times held out.
        """
        if self.by_time is None:
            return self.store.split(held_out, seed)
        train = self.store.where(**{self.by_time: False})
        held_out_store = self.store.where(**{self.by_time: True})
        target = max(1, round(held_out * len(self.store.sequence_indices)))
        available = len(held_out_store.sequence_indices)
        if target >= available:
            return train, held_out_store
        return train, held_out_store.split(target / available, seed)[1]

    def times(self, view: Store) -> Int[np.ndarray, " sequences"]:
        """A number for every sequence of a view of the store; equal ones are of the same time."""
        if self.by_time is None:
            return np.arange(len(view.sequence_indices))
        return np.unique(view.sequences["start"].to_numpy(), return_inverse=True)[1]
