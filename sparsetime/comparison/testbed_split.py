"""TestbedSplit: a testbed split by document or time, with the true code of the held-out part."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from jaxtyping import Int

from sparsetime.activations.store.store import Store
from sparsetime.activations.store.stored_sequence import labels_of_steps
from sparsetime.codes import SparseCode, concatenate
from sparsetime.comparison.settings import LeaderboardSettings
from sparsetime.testbeds.base import Testbed
from sparsetime.testbeds.testbed import testbed

_SPLIT_SEED = 0  # the same sequences are held out for every seed


@final
@dataclass(frozen=True, eq=False)
class TestbedSplit:
    """The training part and the held-out part of one testbed.

    train, held_out: two views of its store. true_code: of the held-out steps, None without planted
    features. labels: the labels to probe.
    """

    bed: Testbed
    train: Store
    held_out: Store
    true_code: SparseCode | None
    labels: list[str]

    @cached_property
    def labels_of_steps(self) -> dict[str, list[object]]:
        """The labels to probe, one for every held-out step; read once for all dictionaries."""
        columns: dict[str, list[object]] = {name: [] for name in self.labels}
        for number in range(len(self.held_out.sequence_indices)):
            sequence = self.held_out.sequence(number)
            for name, column in columns.items():
                labels = labels_of_steps(sequence, name)
                column.extend([None] * len(sequence) if labels is None else labels)
        return columns

    @property
    def lengths(self) -> Int[np.ndarray, " sequences"]:
        """Of the held-out sequences, in steps."""
        return self.held_out.segments.numpy_lengths

    @property
    def times(self) -> Int[np.ndarray, " sequences"]:
        """Of the held-out sequences; equal numbers are of the same time."""
        return self.bed.times(self.held_out)


def split_testbed(name: str, settings: LeaderboardSettings, progress: bool = True) -> TestbedSplit:
    """The testbed of that name, built or opened.

    Errors: those of `sparsetime.testbed`.
    """
    bed = testbed(name, progress=progress, **settings.beds[name])
    train_part, held_out = bed.split(settings.held_out, seed=_SPLIT_SEED)
    true_code = None
    if bed.truth is not None:
        time = bed.truth.settings.time
        whole = bed.truth.code.reshape(bed.truth.code.rows)
        numbers = held_out.sequence_indices
        true_code = concatenate(
            [whole.row_slice(n * time, (n + 1) * time) for n in numbers.tolist()]
        )
    return TestbedSplit(bed, train_part, held_out, true_code, settings.ladder.get(name, []))
