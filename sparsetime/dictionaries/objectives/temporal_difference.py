"""Temporal difference loss: activation values that stay equal between neighbours in time."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.dictionaries.forward_pass import ForwardPass, required
from sparsetime.dictionaries.objectives.pair_codes import in_partner
from sparsetime.dictionaries.objectives.term import Term


@final
@component("temporal_difference")
class TemporalDifference(Term):
    """Absolute difference of the first group's values between a row and its earlier partner.

        loss = 1 / n · Σ_n cos(x_n, x'_n) · Σ_{i in first group} |z_i - z'_i|

    Rows that differ may have different codes. An empty code has no difference either and is
    opposed by the squared error alone, at most 1 in these units; a larger weight empties the first
    group.

    Source: the public code of Bhalla et al. 2025, Temporal Sparse Autoencoders, arXiv:2511.05541,
    which uses it where no contrastive loss is requested. Activations keep their raw scale there,
    so the same weight counts less the larger they are.
    """

    needs = frozenset({"earlier"})
    latent_tensors = frozenset()
    divides_rows = True
    group_names = ("high", "low")

    def __init__(self, weight: float = 0.01) -> None:
        super().__init__(weight=weight)

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        partner = required(step.batch.earlier, "earlier")
        earlier = required(step.earlier, "earlier")
        high = step.decoder.groups[0]
        cosine = nn.functional.cosine_similarity(step.batch.x, partner, dim=1)
        now, before = step.code.latents(0, high), earlier.latents(0, high)
        other, _ = in_partner(now, before)
        _, shared = in_partner(before, now)
        differs = (now.values - other).abs() * cosine[now.row_of_entry]
        alone = (before.values.abs() * cosine[before.row_of_entry])[~shared]
        return step.per_row(differs.sum() + alone.sum())
