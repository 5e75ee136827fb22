"""Description length of activations under a dictionary, in bits per dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float

from sparsetime.dictionaries.objectives.description_length import bits as bits_of
from sparsetime.errors import DataError
from sparsetime.features.encoding import device_of
from sparsetime.metrics.evaluation_data import EvaluationContext, EvaluationData, Gather
from sparsetime.metrics.metric import Metric, MetricSpec
from sparsetime.statistics.estimate import Estimate, estimate

if TYPE_CHECKING:
    from sparsetime.features.encoding import EncodedSequence

#: Of the root mean squared distance of activations from their mean.
PRECISION = 0.02


@final
class CodeSums(Gather):
    """Sums of each group of sequences from which the bits of its rows follow."""

    def __init__(self, context: EvaluationContext) -> None:
        self._sae = context.sae
        self._latents = context.groups
        count, d = context.resampled_groups, context.sae.d_in
        self.rows = np.zeros(count)
        self.sums, self.squares = np.zeros((count, d)), np.zeros((count, d))
        names = [group.name for group in context.groups]
        self.active = {name: np.zeros((count, context.sae.width)) for name in names}
        self.energy = {name: np.zeros(count) for name in names}
        self.errors = {name: np.zeros((count, d)) for name in names}

    def update(self, sequence: EncodedSequence, group: int) -> None:
        sae = self._sae
        if sae.out_dims is not None or not len(sequence.activations):
            return
        x = sequence.activations.float()
        self.rows[group] += len(x)
        self.sums[group] += x.double().sum(0).numpy()
        self.squares[group] += x.double().square().sum(0).numpy()
        device = device_of(sae)
        with torch.no_grad():
            lengths = (sae.atoms * sae.output_normalisation.scale).norm(dim=1).cpu()
            for latents in self._latents:
                code = latents.of(sequence.code)
                fires = code.values != 0
                index = code.indices[fires]
                self.active[latents.name][group] += torch.bincount(
                    index, minlength=sae.width
                ).numpy()
                added = (code.values[fires] * lengths[index]).double().square().sum()
                self.energy[latents.name][group] += float(added)
                made = sae.reconstruct(code.to(device), x.to(device)).cpu()
                self.errors[latents.name][group] += (x - made).double().square().sum(0).numpy()


def bits(data: EvaluationData) -> Estimate:
    """Bits that describe a row to within a precision, per dimension.

    bits = (sum_i H(p_i) + sum_i p_i C(s) + sum_d C(e_d)) / d,  C(q) = log2(1 + q / precision^2) / 2

    p_i: share of rows on which latent i fires; s: mean square of what an active latent adds; e_d:
    mean squared error in dimension d; all in units of the root mean squared distance of activations
    from their mean. The precision is 0.02 of it. The null describes rows by their mean alone: e_d
    is the variance of dimension d. Bits of the dictionary itself are not counted.

    Errors: DataError where activations do not vary, or the dictionary writes to another site.
    """
    sums, name = data.of(CodeSums), data.group.name
    if not sums.rows.sum():
        raise DataError(
            "the dictionary reconstructs another site than the one it reads, and the store "
            "holds the one it reads alone"
        )
    ones = np.ones(len(sums.rows))
    if not _variance(sums, ones).sum() > 0:
        raise DataError("the activations do not vary, so there is nothing to describe")
    d = sums.sums.shape[1]

    def statistic(weights: Float[np.ndarray, "draws groups"]) -> Float[np.ndarray, " draws"]:
        return np.array([_bits(sums, name, row) / d for row in weights])

    mean_alone = _capacity(_variance(sums, ones) / _variance(sums, ones).sum()) / d
    return estimate(
        statistic, len(sums.rows), mean_alone, "the mean of the rows alone", data.context.seed
    )


def _variance(sums: CodeSums, weights: Float[np.ndarray, " groups"]) -> Float[np.ndarray, " d"]:
    rows = weights @ sums.rows
    mean = weights @ sums.sums / rows
    spread: Float[np.ndarray, " d"] = np.maximum(weights @ sums.squares / rows - mean**2, 0)
    return spread


def _bits(sums: CodeSums, name: str, weights: Float[np.ndarray, " groups"]) -> float:
    rows = weights @ sums.rows
    scale = _variance(sums, weights).sum()
    if not scale > 0:  # of a draw of alike sequences
        return float("nan")
    active = weights @ sums.active[name]
    square = weights @ sums.energy[name] / max(active.sum(), 1.0) / scale
    error = weights @ sums.errors[name] / rows / scale
    total = bits_of(
        torch.from_numpy(active / rows),
        torch.tensor(square),
        torch.from_numpy(error),
        PRECISION,
    )
    return float(total)


def _capacity(error: Float[np.ndarray, " d"]) -> float:
    """The bits of a residual whose mean squares are these, with no latent."""
    nothing = torch.zeros(0, dtype=torch.float64)
    return float(bits_of(nothing, torch.tensor(0.0), torch.from_numpy(error), PRECISION))


DESCRIPTION_LENGTH = (
    Metric(
        MetricSpec(
            "bits",
            "bits that describe a row to within 0.02 of the activations' spread, per dimension: "
            "which latents fire, their values, and the residual",
            "bits = (sum_i H(p_i) + sum_i p_i C(s) + sum_d C(e_d)) / d, "
            "C(q) = log2(1 + q / 0.02^2) / 2",
            "0 up; compare with the null, the rows' mean alone",
            "Ayonrinde, Pearce and Sharkey 2024, Interpretability as compression, "
            "arXiv:2410.11179; the coding of values is this library's",
            "the bits of the dictionary itself; which latents fire together",
        ),
        bits,
        (CodeSums,),
    ),
)
