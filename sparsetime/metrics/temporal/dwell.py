"""Dwell: mean run length of a feature's firing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from sparsetime.codes import SparseCode
from sparsetime.errors import DataError
from sparsetime.features import timescales
from sparsetime.metrics.temporal.sequences import Lengths, Sequences, in_sequences
from sparsetime.statistics.estimate import (
    Estimate,
    estimate,
    mean_over_features,
    median_over_features,
    ratio,
    ratio_of,
)
from sparsetime.statistics.nulls import SHUFFLED


@final
@dataclass(frozen=True, eq=False)
class Dwell:
    """Dwell of features, in steps.

    mean, median: mean run length of a feature, over the features that fire. over_runs: mean over
    all runs. by_feature: NaN for a feature that never fires. null_by_feature: in shuffled time.
    """

    mean: Estimate
    median: Estimate
    over_runs: Estimate
    by_feature: Float[np.ndarray, " width"]
    null_by_feature: Float[np.ndarray, " width"]


def dwell(code: SparseCode, lengths: Lengths = None, seed: int = 0) -> Dwell:
    """dwell_i = mean over runs r of feature i of length(r), in steps; at least 1.

    A run is an unbroken segment of steps of one sequence on which a feature fires; see
    `features.timescales.runs`. Source: Mood 1940, "The distribution theory of runs".

    The null is shuffled time, exact. For a feature that fires on n of a sequence's T steps, a
    shuffle has n (T - n + 1) / T runs on average (Mood 1940); the null of a mean run length is the
    ratio of the expected sums. Dwell is blind to the gaps between runs.

    Errors: DataError where nothing fires; those of `in_sequences`.
    """
    sequences = in_sequences(code, lengths)
    if len(sequences.code.indices) == 0:
        raise DataError("no feature fires on this data")
    runs = timescales.runs(sequences.code, sequences.segments)
    shape = (sequences.groups, code.width)
    key = sequences.group_of_row[runs.start] * code.width + runs.feature
    count = np.bincount(key, minlength=sequences.groups * code.width).reshape(shape).astype(float)
    total = np.bincount(key, weights=runs.length, minlength=sequences.groups * code.width)
    total = total.reshape(shape)
    expected = _runs_in_shuffled_time(sequences)
    null_by_feature = ratio(total.sum(axis=0), expected)
    null = float(mean_over_features(null_by_feature[None])[0])
    null_over_runs = float(total.sum() / expected.sum())

    def mean(weights: Float[np.ndarray, "draws groups"]) -> Float[np.ndarray, " draws"]:
        return mean_over_features(ratio(weights @ total, weights @ count))

    def median(weights: Float[np.ndarray, "draws groups"]) -> Float[np.ndarray, " draws"]:
        return median_over_features(ratio(weights @ total, weights @ count))

    null_median = float(median_over_features(null_by_feature[None])[0])
    over_runs = ratio_of(total.sum(axis=1), count.sum(axis=1))
    return Dwell(
        estimate(mean, sequences.groups, null, SHUFFLED, seed),
        estimate(median, sequences.groups, null_median, SHUFFLED, seed),
        estimate(over_runs, sequences.groups, null_over_runs, SHUFFLED, seed),
        ratio(total.sum(axis=0), count.sum(axis=0)),
        null_by_feature,
    )


def firings(sequences: Sequences) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How often every feature fires in every sequence that it fires in.

    feature: int64 [pairs]; fires, and steps of the sequence: float64 [pairs].
    """
    columns = sequences.columns
    feature, begin = sequences.feature_of_column, sequences.begins[columns.rows]
    new = np.append(True, (feature[1:] != feature[:-1]) | (begin[1:] != begin[:-1]))
    first = np.flatnonzero(new[: len(feature)])
    fires = np.diff(np.append(first, len(feature))).astype(float)
    steps = (sequences.ends - sequences.begins)[columns.rows[first]].astype(float)
    return feature[first], fires, steps


def _runs_in_shuffled_time(sequences: Sequences) -> Float[np.ndarray, " width"]:
    feature, fires, steps = firings(sequences)
    runs = fires * (steps - fires + 1) / steps
    return np.bincount(feature, weights=runs, minlength=sequences.code.width)
