"""Reconstruction metrics: the fraction of variance unexplained (FVU)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

import torch

from sparsetime.errors import DataError
from sparsetime.features.encoding import device_of
from sparsetime.metrics.evaluation_data import EvaluationContext, EvaluationData, Gather
from sparsetime.metrics.metric import Metric, MetricSpec
from sparsetime.statistics.estimate import Estimate, estimate
from sparsetime.statistics.fvu import FvuSums

if TYPE_CHECKING:
    from sparsetime.features.encoding import EncodedSequence


@final
class ReconstructionSums(Gather):
    """Squared errors of the reconstruction from each group of latents, and the variance."""

    def __init__(self, context: EvaluationContext) -> None:
        self._sae = context.sae
        self._groups = context.groups
        count = context.resampled_groups
        self.sums = {group.name: FvuSums(context.sae.d_in, count) for group in context.groups}

    def update(self, sequence: EncodedSequence, group: int) -> None:
        x = sequence.activations
        if not len(x) or self._sae.out_dims is not None:
            return
        device = device_of(self._sae)
        batch = x.float().to(device)[None]
        for latents in self._groups:
            code = latents.of(sequence.code).reshape(1, len(x)).to(device)
            with torch.no_grad():
                x_hat = self._sae.reconstruct(code, batch)[0].cpu().double()
            self.sums[latents.name].add(x, x.double() - x_hat, group)


def fvu(data: EvaluationData) -> Estimate:
    """FVU = sum ||x - x_hat||^2 / sum ||x - mean(x)||^2, over all steps.

    Explained variance is 1 - FVU. For a nested group, x_hat is decoded from that group alone. The
    null is 1, the FVU of the mean.

    Errors: DataError where activations do not vary, or the dictionary writes to another site.
    """
    if data.context.sae.out_dims is not None:
        raise DataError(
            "the dictionary reconstructs another site than the one it reads, and the store "
            "holds the one it reads alone"
        )
    sums = data.of(ReconstructionSums).sums[data.group.name]
    if not math.isfinite(sums.value):
        raise DataError("the activations do not vary, so there is no variance to explain")
    groups, seed = data.context.resampled_groups, data.context.seed
    return estimate(sums.statistic, groups, 1.0, "the mean of the activations", seed)


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
)
