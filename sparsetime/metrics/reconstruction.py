"""Reconstruction metrics: the fraction of variance unexplained (FVU)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.errors import DataError
from sparsetime.features.encoding import device_of, kept_steps
from sparsetime.metrics.evaluation_data import EvaluationContext, EvaluationData, Gather
from sparsetime.metrics.metric import Metric, MetricSpec
from sparsetime.statistics.estimate import Estimate, estimate, ratio_of
from sparsetime.statistics.fvu import FvuSums
from sparsetime.statistics.heavy_tail import TOP, FarRows, top_share

if TYPE_CHECKING:
    from sparsetime.features.encoding import EncodedSequence

_MEAN = "the mean of the activations"
_ROWS_AT_ONCE = 1 << 16


@final
class ReconstructionSums(Gather):
    """Squared errors of the reconstruction from each group of latents, and the variance."""

    def __init__(self, context: EvaluationContext) -> None:
        self._sae = context.sae
        self._groups = context.groups
        count = context.resampled_groups
        self.sums = {group.name: FvuSums(context.sae.d_in, count) for group in context.groups}
        self.rows = {group.name: RowErrors(count) for group in context.groups}
        self._mean = None if self._sae.out_dims is not None else _mean_of_kept(context)

    def update(self, sequence: EncodedSequence, group: int) -> None:
        x = sequence.activations
        if not len(x) or self._mean is None:
            return
        device = device_of(self._sae)
        batch = x.float().to(device)[None]
        for latents in self._groups:
            code = latents.of(sequence.code).reshape(1, len(x)).to(device)
            with torch.no_grad():
                x_hat = self._sae.reconstruct(code, batch)[0].cpu().double()
            residual = x.double() - x_hat
            self.sums[latents.name].add(x, residual, group)
            self.rows[latents.name].add(x.double() - self._mean, residual, group)


@final
class RowErrors:
    """Squared error, and squared distance from the mean of all rows, of every row."""

    def __init__(self, groups: int) -> None:
        self._groups = groups
        self._errors: list[Float[np.ndarray, " rows"]] = []
        self._squares: list[Float[np.ndarray, " rows"]] = []
        self._group: list[Int[np.ndarray, " rows"]] = []

    def add(
        self, centred: Float[Tensor, "rows d"], residual: Float[Tensor, "rows d"], group: int
    ) -> None:
        self._errors.append(residual.square().sum(1).numpy())
        self._squares.append(centred.square().sum(1).numpy())
        self._group.append(np.full(len(centred), group))

    @property
    def squares(self) -> Float[np.ndarray, " rows"]:
        """||x_t - mean(x)||^2 of every row."""
        return np.concatenate([np.zeros(0), *self._squares])

    def mean(self, seed: int) -> Estimate:
        """Ratio of error to squared distance from the mean, mean over rows."""
        squares = self.squares
        counted = squares > 0
        ratios = np.concatenate([np.zeros(0), *self._errors])[counted] / squares[counted]
        group = np.concatenate([np.zeros(0, dtype=np.int64), *self._group])[counted]
        total = np.bincount(group, weights=ratios, minlength=self._groups)
        count = np.bincount(group, minlength=self._groups).astype(float)
        return estimate(ratio_of(total, count), self._groups, 1.0, _MEAN, seed)

    def without_top(self) -> float:
        """The FVU of all rows but the 1% that are furthest from the mean."""
        squares = self.squares
        rest = np.argsort(squares)[: len(squares) - max(1, round(TOP * len(squares)))]
        total = float(squares[rest].sum())
        errors = float(np.concatenate([np.zeros(0), *self._errors])[rest].sum())
        return errors / total if total > 0 else float("nan")


def fvu(data: EvaluationData) -> Estimate:
    """FVU = sum ||x - x_hat||^2 / sum ||x - mean(x)||^2, over all steps.

    Explained variance is 1 - FVU. For a nested group, x_hat is decoded from that group alone. The
    null is 1, the FVU of the mean. Where few steps hold more than half of the variance, a warning
    says so: they decide the value. details: `without_top`, the value of all but 1% of the steps.

    Errors: DataError where activations do not vary, or the dictionary writes to another site.
    """
    sums, rows = _checked(data)
    if not data.group.name:
        FarRows.of(rows.squares).warn("the FVU, beside which fvu_rows stands")
    groups, seed = data.context.resampled_groups, data.context.seed
    result = estimate(sums.statistic, groups, 1.0, _MEAN, seed)
    return replace(result, details={"without_top": rows.without_top()})


def fvu_rows(data: EvaluationData) -> Estimate:
    """fvu_rows = mean over steps of ||x_t - x_hat_t||^2 / ||x_t - mean(x)||^2. Errors: as `fvu`."""
    return _checked(data)[1].mean(data.context.seed)


def top_variance(data: EvaluationData) -> Estimate:
    """Share of the variance that the 1% of the steps furthest from the mean holds. No interval."""
    return Estimate(top_share(_checked(data)[1].squares))


def _checked(data: EvaluationData) -> tuple[FvuSums, RowErrors]:
    if data.context.sae.out_dims is not None:
        raise DataError(
            "the dictionary reconstructs another site than the one it reads, and the store "
            "holds the one it reads alone"
        )
    gathered = data.of(ReconstructionSums)
    sums = gathered.sums[data.group.name]
    if not math.isfinite(sums.value):
        raise DataError("the activations do not vary, so there is no variance to explain")
    return sums, gathered.rows[data.group.name]


def _mean_of_kept(context: EvaluationContext) -> Float[Tensor, " d"]:
    """The mean of the steps that are not left out, read before the pass that needs it."""
    store, exclusion = context.store, context.exclusion
    total, count = torch.zeros(store.d, dtype=torch.float64), 0
    if not exclusion and store.stored_steps is None:
        for start in range(0, len(store), _ROWS_AT_ONCE):
            rows = store.read(start, min(start + _ROWS_AT_ONCE, len(store)))
            total += rows.double().sum(0)
        return total / max(len(store), 1)
    for place in range(len(store.sequence_indices)):
        sequence = store.sequence(place)
        rows = sequence.values[kept_steps(sequence, exclusion)]
        total, count = total + rows.double().sum(0), count + len(rows)
    return total / max(count, 1)


RECONSTRUCTION = (
    Metric(
        MetricSpec(
            "fvu",
            "fraction of variance unexplained: the sum of ||x - x_hat||^2 over the sum of "
            "||x - mean(x)||^2, over all steps; for a part, x_hat is decoded from that part alone",
            "fvu = sum_t ||x_t - x_hat_t||^2 / sum_t ||x_t - mean(x)||^2",
            "0 (perfect) to 1 (no better than the mean); above 1 if worse",
            "Gao et al. 2024, Scaling and evaluating sparse autoencoders, section 2",
            "which directions the model uses: an error of equal size may cost the model nothing",
        ),
        fvu,
        (ReconstructionSums,),
    ),
    Metric(
        MetricSpec(
            "fvu_rows",
            "mean over steps of the fraction of variance unexplained of each: every step counts "
            "alike, however long it is",
            "fvu_rows = mean_t ||x_t - x_hat_t||^2 / ||x_t - mean(x)||^2",
            "0 (perfect) to 1 (no better than the mean); above 1 if worse",
            "Gao et al. 2024, Scaling and evaluating sparse autoencoders, section 2, row by row",
            "the length of a step: a short one that the model hardly uses counts as a long one",
        ),
        fvu_rows,
        (ReconstructionSums,),
    ),
    Metric(
        MetricSpec(
            "top_variance",
            "share of the variance that the 1% of the steps furthest from the mean holds",
            "top_variance = sum over the top 1% of ||x_t - mean(x)||^2 / sum_t ||x_t - mean(x)||^2",
            "0.01 (all steps alike) to 1 (they decide every sum of squares)",
            "defined here",
            "which steps these are; a property of the activations, not of the dictionary",
        ),
        top_variance,
        (ReconstructionSums,),
    ),
)
