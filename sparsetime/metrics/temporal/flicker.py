"""Flicker: latents that switch on or off between neighbouring steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from sparsetime.codes import SparseCode
from sparsetime.errors import DataError
from sparsetime.features import timescales
from sparsetime.metrics.temporal.dwell import firings
from sparsetime.metrics.temporal.sequences import Lengths, Sequences, in_sequences
from sparsetime.statistics.estimate import Estimate, estimate, ratio_of
from sparsetime.statistics.nulls import SHUFFLED


@final
@dataclass(frozen=True)
class Flicker:
    """Change of a code between neighbouring steps.

    switches: latents switched on or off, mean over pairs of neighbouring steps, from 0. share: the
    same over those active on the earlier or the later step, one active on both counting twice;
    0 where nothing changes, 1 where everything does, NaN where nothing fires.
    """

    switches: Estimate
    share: Estimate


def flicker(code: SparseCode, lengths: Lengths = None, seed: int = 0) -> Flicker:
    """Flicker of a code over sequences.

    switches = mean over t of #{i : [f_i(t) != 0] != [f_i(t - 1) != 0]};
    share = sum_t switches(t) / sum_t (A(t - 1) + A(t)), with A(t) the active latents of step t.
    Defined here, over the runs of `features.timescales`. The null is shuffled time, exact: for a
    feature that fires on n of a sequence's T steps, a shuffle has 2 n (T - n) / T switches on
    average. Flicker is blind to changes of the value of a latent that stays active.

    Errors: DataError where no sequence has two steps; those of `in_sequences`.
    """
    sequences = in_sequences(code, lengths)
    if int(sequences.lengths.max()) < 2:
        raise DataError("no sequence has two steps, so nothing can switch between steps")
    runs = timescales.runs(sequences.code, sequences.segments)
    last = runs.start + runs.length - 1
    switched = (runs.start > sequences.begins[runs.start]).astype(float)
    switched += last + 1 < sequences.ends[last]
    group = sequences.group_of_row[runs.start]
    switches = np.bincount(group, weights=switched, minlength=sequences.groups).astype(float)
    left = np.maximum(sequences.lengths - 1, 0)
    pairs = np.bincount(sequences.group_of_sequence, weights=left, minlength=sequences.groups)
    active = _on_both_sides(sequences)
    _, fires, steps = firings(sequences)
    null = float((2 * fires * (steps - fires) / steps).sum())
    null_active = float((2 * fires * (steps - 1) / steps).sum())
    return Flicker(
        estimate(
            ratio_of(switches, pairs), sequences.groups, null / float(pairs.sum()), SHUFFLED, seed
        ),
        estimate(
            ratio_of(switches, active),
            sequences.groups,
            null / null_active if null_active else float("nan"),
            SHUFFLED,
            seed,
        ),
    )


def _on_both_sides(sequences: Sequences) -> Float[np.ndarray, " groups"]:
    """Latents active on the two steps of every pair, summed; every inner step is in two pairs."""
    row = np.arange(sequences.code.rows)
    in_pairs = (row > sequences.begins).astype(float) + (row + 1 < sequences.ends)
    active = sequences.code.counts.numpy() * in_pairs
    return np.bincount(sequences.group_of_row, weights=active, minlength=sequences.groups)
