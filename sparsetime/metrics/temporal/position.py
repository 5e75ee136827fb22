"""Position: share of the code's variance that the position in the sequence explains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int

from sparsetime import seeds
from sparsetime.codes import SparseCode
from sparsetime.errors import DataError
from sparsetime.metrics.temporal import numba_loops
from sparsetime.metrics.temporal.sequences import Lengths, Sequences, in_sequences
from sparsetime.statistics.estimate import Estimate, estimate, ratio, ratio_of
from sparsetime.statistics.nulls import circular_shift

_ROTATIONS = 19
_NULL = "circular shift of every sequence by a random share of its length"


@final
@dataclass(frozen=True, eq=False)
class Position:
    """Variance explained by position.

    explained: share of the code's variance, all features together, that position predicts; 1 where
    it determines the code, 0 or slightly less where it is irrelevant. by_feature: of each feature's
    own variance; NaN for one that does not vary. null_by_feature: the largest over 19 rotations.
    share: of the features that vary, those above their null; one in twenty without any position
    feature.
    """

    explained: Estimate
    share: float
    by_feature: Float[np.ndarray, " width"]
    null_by_feature: Float[np.ndarray, " width"]


def position(code: SparseCode, lengths: Lengths = None, seed: int = 0) -> Position:
    """Variance of the code that the position in the sequence explains.

    explained = 1 - sum (f - f_hat)^2 / sum (f - f_mean)^2, cross-validated over sequences.

    f_hat: the activation of a feature is predicted by its mean at the same octave of position (0; 1
    and 2; 3 to 6; ...) in the other groups of sequences; f_mean is the mean of the other groups. It
    is the correlation ratio (Pearson 1905), cross-validated, so that many octaves explain nothing
    by themselves. Neurons whose variance position explains: Gurnee et al. 2024, "Universal neurons
    in GPT2 language models".

    The null shifts every sequence circularly by a random share of its length: features keep their
    dwell and their sequence, and lose their position alone. The metric is blind to differences of
    position within one octave.

    Errors: DataError where there is one sequence only, whose positions cannot be separated from its
    content, where none has two steps, or where no feature varies; those of `in_sequences`.
    """
    sequences = in_sequences(code, lengths)
    if sequences.groups < 2:
        raise DataError(
            "there is one sequence, in which position cannot be separated from content; give "
            "several, with lengths="
        )
    if int(sequences.lengths.max()) < 2:
        raise DataError("no sequence has two steps, so every step has the same position")
    columns = sequences.columns
    place = np.arange(code.rows) - sequences.begins
    key = sequences.group_of_row[columns.rows] * code.width + sequences.feature_of_column
    squares = np.bincount(key, weights=columns.values**2, minlength=sequences.groups * code.width)
    squares = squares.reshape(sequences.groups, code.width)
    error, spread = _errors(squares, *_by_octave(sequences, place))

    total = spread.sum(axis=0)
    varies = total > 1e-12 * squares.sum(axis=0)
    if not varies.any():
        raise DataError("no feature varies over these steps, so position explains nothing")
    largest, pooled = np.full(code.width, -np.inf), []
    for n in range(_ROTATIONS):
        rng = seeds.numpy_generator(seed, "shifted positions", n)
        shift = np.repeat(rng.random(len(sequences.lengths)), sequences.lengths)
        turned = circular_shift(place, sequences.ends - sequences.begins, shift)
        wrong, _ = _errors(squares, *_by_octave(sequences, turned))
        largest = np.maximum(largest, 1 - ratio(wrong.sum(axis=0), total))
        pooled.append(1 - float(wrong.sum() / spread.sum()))
    by_feature = np.where(varies, 1 - ratio(error.sum(axis=0), total), np.nan)
    left = ratio_of(error.sum(axis=1), spread.sum(axis=1))
    explained = estimate(
        lambda w: 1 - left(w), sequences.groups, float(np.mean(pooled)), _NULL, seed
    )
    largest = np.where(varies, largest, np.nan)
    return Position(explained, float((by_feature > largest)[varies].mean()), by_feature, largest)


def _errors(
    squares: Float[np.ndarray, "groups width"],
    counts: Float[np.ndarray, "groups octaves"],
    sums: Float[np.ndarray, "groups octaves width"],
) -> tuple[Float[np.ndarray, "groups width"], Float[np.ndarray, "groups width"]]:
    """Squared errors of predicting each group by the others: by octave, and by the mean alone.

    An octave that the other groups do not reach is predicted by their mean.
    """
    steps, total = counts.sum(axis=1)[:, None], sums.sum(axis=1)
    mean = (total.sum(axis=0) - total) / np.maximum(steps.sum() - steps, 1)
    elsewhere = (counts.sum(axis=0) - counts)[:, :, None]
    octave = np.where(
        elsewhere > 0, (sums.sum(axis=0) - sums) / np.maximum(elsewhere, 1), mean[:, None, :]
    )
    spread = squares - 2 * mean * total + steps * mean**2
    error = squares + (octave * (counts[:, :, None] * octave - 2 * sums)).sum(axis=1)
    return error, spread


def _by_octave(
    sequences: Sequences, place: Int[np.ndarray, " rows"]
) -> tuple[Float[np.ndarray, "groups octaves"], Float[np.ndarray, "groups octaves width"]]:
    """Steps, and sums of every feature, by group and octave of position."""
    octave = np.floor(np.log2(place + 1)).astype(np.int64)
    octaves = int(octave.max()) + 1
    slot = sequences.group_of_row * octaves + octave
    counts = np.bincount(slot, minlength=sequences.groups * octaves).reshape(
        sequences.groups, octaves
    )
    sums = np.zeros((counts.size, sequences.code.width))
    columns = sequences.columns
    numba_loops.sums_by_slot(columns.offsets, columns.rows, columns.values, slot, sums)
    return counts.astype(float), sums.reshape(*counts.shape, sequences.code.width)
