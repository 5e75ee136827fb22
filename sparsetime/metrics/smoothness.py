"""Smoothness: change of a latent relative to the change of the activations."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float

from sparsetime.codes import SparseCode
from sparsetime.errors import DataError
from sparsetime.metrics.evaluation_data import EvaluationContext, EvaluationData, Gather
from sparsetime.metrics.metric import Metric, MetricSpec
from sparsetime.statistics.estimate import Estimate, estimate, ratio_of
from sparsetime.statistics.nulls import SHUFFLED, reordered, shuffled_order

if TYPE_CHECKING:
    from sparsetime.features.encoding import EncodedSequence


@final
class SmoothnessSums(Gather):
    """Mean steepest ratio of the active latents, summed over sequences; also in shuffled time."""

    def __init__(self, context: EvaluationContext) -> None:
        self._groups = context.groups
        self._scale = context.sae.normalisation.scale.detach().cpu().double()
        self._seed = context.seed
        shape = (2, context.resampled_groups)  # as it is, and in shuffled time
        self.totals = {group.name: np.zeros(shape) for group in context.groups}
        self.sequences = {group.name: np.zeros(shape) for group in context.groups}

    def update(self, sequence: EncodedSequence, group: int) -> None:
        x = sequence.activations.double() / self._scale
        order = shuffled_order(np.array([len(x)]), self._seed, sequence.index)
        shuffled = x[torch.from_numpy(order)], reordered(sequence.code, order)
        for row, (values, code) in enumerate(((x, sequence.code), shuffled)):
            moved = values.diff(dim=0).norm(dim=1).numpy()
            if not (moved > 0).any():
                continue
            steepest = _steepest(code, moved)
            for latents in self._groups:
                active = steepest[latents.start : latents.stop]
                active = active[np.isfinite(active)]
                if len(active):
                    self.totals[latents.name][row, group] += active.mean()
                    self.sequences[latents.name][row, group] += 1


def smoothness(data: EvaluationData) -> Estimate:
    """Max over t of |f_t - f_(t-1)| / ||x_t - x_(t-1)||_2, averaged; smaller is smoother.

    For a latent that is active somewhere in a sequence, the largest ratio over the steps t from the
    second on. Mean over such latents, then over the sequences that have any. At least 0, without an
    upper bound. Pairs of steps between which the activations do not move are left out, since the
    ratio is undefined there.

    Latents and activations are both in units of the dictionary's normalised activations, so the
    value does not depend on the model's scale. Atoms have unit norm. The null is one shuffle of the
    steps of every sequence, code and activations together.

    Source: Bhalla et al. 2025, Temporal sparse autoencoders, arXiv:2511.05541. Errors: DataError
    where no sequence has an active latent and two steps between which x moves.
    """
    gathered = data.of(SmoothnessSums)
    totals, sequences = gathered.totals[data.group.name], gathered.sequences[data.group.name]
    if not sequences[0].any():
        raise DataError("no sequence has an active latent and two steps between which x moves")
    null = totals[1].sum() / sequences[1].sum() if sequences[1].any() else float("nan")
    statistic = ratio_of(totals[0], sequences[0])
    return estimate(statistic, totals.shape[1], float(null), SHUFFLED, data.context.seed)


SMOOTHNESS = (
    Metric(
        MetricSpec(
            "smoothness",
            "for each latent active in a sequence, the largest over its steps of "
            "|f_t - f_(t-1)| / ||x_t - x_(t-1)||; mean over these latents, then over sequences",
            "smoothness = mean over sequences and active i of "
            "max_t |f_i(t) - f_i(t-1)| / ||x(t) - x(t-1)||",
            "from 0 (constant); smaller is smoother",
            "Bhalla et al. 2025, Temporal sparse autoencoders, arXiv:2511.05541",
            "all but the steepest step of a latent; slow drift of a latent that is always active",
        ),
        smoothness,
        (SmoothnessSums,),
    ),
)


def _steepest(
    code: SparseCode, moved: Float[np.ndarray, " steps_less_1"]
) -> Float[np.ndarray, " width"]:
    """The largest ratio of every latent; NaN for a latent that is never active.

    moved: ||x_t - x_(t-1)|| for t from 1. A latent changes only between steps of which one has it
    active, so only those are visited.
    """
    feature = code.indices.numpy()
    step = code.row_of_entry.numpy()
    value = code.values.detach().double().numpy()
    order = np.lexsort((step, feature))
    feature, step, value = feature[order], step[order], value[order]
    neighbours = (feature[1:] == feature[:-1]) & (step[1:] == step[:-1] + 1)
    follows = np.append(False, neighbours)[: len(step)]
    continues = np.append(neighbours, False)[: len(step)]
    before = np.where(follows, np.roll(value, 1), 0.0)
    up = np.abs(value - before)
    steepest = np.full(code.width, np.nan)
    steepest[feature] = 0.0
    _raise(steepest, feature, step - 1, up, moved)
    _raise(steepest, feature[~continues], step[~continues], np.abs(value[~continues]), moved)
    return steepest


def _raise(
    steepest: Float[np.ndarray, " width"],
    feature: np.ndarray,
    pair: np.ndarray,
    change: np.ndarray,
    moved: Float[np.ndarray, " steps_less_1"],
) -> None:
    inside = (pair >= 0) & (pair < len(moved))
    feature, pair, change = feature[inside], pair[inside], change[inside]
    defined = moved[pair] > 0
    np.maximum.at(steepest, feature[defined], change[defined] / moved[pair[defined]])
