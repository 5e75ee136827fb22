"""Splits of a testbed: rows for training, for tuning of settings, and held out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.activations.store.store import Store
from sparsetime.claims.lab.held_out_values import mark_held_out
from sparsetime.testbeds.base import Testbed

_HELD_OUT, _SPLIT_SEED = 0.1, 0


@final
@dataclass(frozen=True, eq=False)
class Splits:
    """Activations of a testbed in three parts without common rows.

    bed: the testbed, with its model and its labels. train_store, tuning_store, held_out_store: the
    three views, in order of time, for pairs, windows and labels. train, tuning, held_out: their
    rows in memory, float32, in order of time, less those that the capture left out, such as the
    first of each text. Settings are chosen on `tuning`, results reported on
    `held_out`, whose values refuse to decide anything (`HeldOutValue`).
    """

    bed: Testbed
    train_store: Store
    tuning_store: Store
    held_out_store: Store

    @staticmethod
    def by_document(bed: Testbed) -> Splits:
        """Split by document, equal for all sites of the same documents."""
        rest, held_out = bed.store.split(_HELD_OUT, seed=_SPLIT_SEED)
        train, tuning = rest.split(_HELD_OUT, seed=_SPLIT_SEED)
        return Splits(bed, train, tuning, held_out)

    @staticmethod
    def by_held_out_label(bed: Testbed) -> Splits:
        """Split by the label `held_out`, which marks times that the model was not trained on.

        Sequences of one time, such as all sensors of a day, fall on one side. Tuning rows are of
        the same times as training rows.
        """
        train, tuning = bed.store.where(held_out=False).split(_HELD_OUT, seed=_SPLIT_SEED)
        return Splits(bed, train, tuning, bed.store.where(held_out=True))

    @property
    def d(self) -> int:
        """Dimension of the activations."""
        return self.bed.store.d

    @cached_property
    def train(self) -> Float[Tensor, "rows d"]:
        return _read(self.train_store)

    @cached_property
    def tuning(self) -> Float[Tensor, "rows d"]:
        return _read(self.tuning_store)

    @cached_property
    def held_out(self) -> Float[Tensor, "rows d"]:
        return mark_held_out(_read(self.held_out_store))

    @property
    def held_out_sequences(self) -> tuple[Float[Tensor, "time d"], ...]:
        """Documents of `held_out`, in order of time."""
        lengths: list[int] = self.held_out_store.segments.lengths.tolist()
        documents: tuple[Tensor, ...] = torch.split(self.held_out, lengths)
        return documents

    @cached_property
    def train_pairs(self) -> Float[Tensor, "rows 2 d"]:
        """Rows of `train`, the row one step before first; no pair crosses documents."""
        return _pairs(self.train_store)

    @cached_property
    def held_out_pairs(self) -> Float[Tensor, "rows 2 d"]:
        """Rows of `held_out`, the row one step before first; no pair crosses documents."""
        return _pairs(self.held_out_store)


def _read(store: Store) -> Float[Tensor, "rows d"]:
    """The rows that the capture kept."""
    rows = store.read(0, len(store)).float()
    kept = store.stored_steps
    return rows if kept is None else rows[torch.from_numpy(kept)]


def _pairs(store: Store) -> Float[Tensor, "rows 2 d"]:
    documents = _read(store).split(store.segments.lengths.tolist())
    return torch.cat([torch.stack([rows[:-1], rows[1:]], dim=1) for rows in documents])
