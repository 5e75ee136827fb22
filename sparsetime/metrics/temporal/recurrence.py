"""Recurrence: share of runs after which the feature fires again within some steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int, Real

from sparsetime.codes import SparseCode
from sparsetime.errors import DataError
from sparsetime.features import timescales
from sparsetime.metrics.temporal.sequences import (
    Lengths,
    Sequences,
    check_lag,
    in_sequences,
    in_steps,
)
from sparsetime.statistics.estimate import Estimate, estimate, ratio, ratio_of
from sparsetime.statistics.nulls import SHUFFLED, shuffled_steps

_WITHIN = 32  # steps


@final
@dataclass(frozen=True, eq=False)
class Recurrence:
    """Recurrence of features.

    share: of all runs, those after which the feature is on again within `within` steps of the same
    sequence. by_feature: the same for each feature, NaN where no run of it counts. gap:
    mean number of steps off, over the runs that came back, of each feature; NaN where none did.
    """

    share: Estimate
    by_feature: Float[np.ndarray, " width"]
    gap: Float[np.ndarray, " width"]
    within: int


def recurrence(
    code: SparseCode,
    lengths: Lengths = None,
    within: float | None = None,
    seed: int = 0,
    times: Real[np.ndarray, " rows"] | None = None,
) -> Recurrence:
    """Recurrence of features within some steps.

    share = mean over runs r of [the feature fires again within `within` steps of the end of r].
    within: in the unit of `times`, or in steps without; None: 32 steps.
    From 0 to 1. Only runs that end at least `within` steps before their sequence count; later runs
    could not recur within it. The null is one shuffle of the steps of every sequence: a feature
    that fires as often, independently at each step. Recurrence is blind to longer gaps.

    Source: recurrence times of a state (Kac 1947, "On the notion of recurrence in discrete
    stochastic processes"); the state is that the feature is active.

    Errors: DataError where no run ends `within` steps before its sequence; those of `in_sequences`.
    """
    sequences = in_sequences(code, lengths, times)
    steps = in_steps(within, _WITHIN, sequences, "within")
    check_lag(steps, sequences, "within")
    feature, group, gap = _gaps(sequences, steps)
    if not len(gap):
        raise DataError(
            f"no run of a feature ends {steps} or more steps before its sequence does, so "
            f"recurrence cannot be measured; give a smaller within="
        )
    back = (gap > 0).astype(float)
    counted = np.bincount(group, minlength=sequences.groups).astype(float)
    came = np.bincount(group, weights=back, minlength=sequences.groups)
    null_gap = _gaps(
        sequences.with_code(shuffled_steps(sequences.code, sequences.lengths, seed)), steps
    )[2]
    null = float((null_gap > 0).mean()) if len(null_gap) else float("nan")
    width = code.width
    came_back = np.bincount(feature, weights=back, minlength=width)
    return Recurrence(
        estimate(ratio_of(came, counted), sequences.groups, null, SHUFFLED, seed),
        ratio(came_back, np.bincount(feature, minlength=width).astype(float)),
        ratio(np.bincount(feature, weights=gap, minlength=width), came_back),
        steps,
    )


def _gaps(
    sequences: Sequences, within: int
) -> tuple[Int[np.ndarray, " runs"], Int[np.ndarray, " runs"], Int[np.ndarray, " runs"]]:
    """Feature, group and following gap of every run that counts; gap 0: no recurrence."""
    runs = timescales.runs(sequences.code, sequences.segments)
    end = runs.start + runs.length
    counts = end + within <= sequences.ends[runs.start]
    follows = np.append(
        (runs.feature[1:] == runs.feature[:-1])
        & (sequences.begins[runs.start[1:]] == sequences.begins[runs.start[:-1]]),
        False,
    )[: len(end)]
    gap = np.where(follows, np.roll(runs.start, -1) - end, 0)
    gap[gap >= within] = 0
    return runs.feature[counts], sequences.group_of_row[runs.start[counts]], gap[counts]
