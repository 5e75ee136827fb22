"""Neighbours in time should have the same high-level strengths."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.forward_pass import ForwardPass, required
from sparsetime.dictionaries.objectives.pair_codes import in_partner
from sparsetime.dictionaries.objectives.term import Term


@final
@component("temporal_difference")
class TemporalDifference(Term):
    """How far the strengths of the first group differ between a row and its earlier partner.

    The sum over the first group of `|f - f'|`, times the cosine of the raw activations, mean over
    rows: rows that are unlike each other may have unlike codes. A code of nothing has no difference
    either, and only the squared error speaks against it; that is 1 at the most in the units here,
    so a weight that outbids it empties the first group.

    Source: the public code of Bhalla et al. 2025, Temporal Sparse Autoencoders, arXiv:2511.05541,
    which takes this in place of the contrast where no contrast is asked for. There activations have
    their raw scale, so that its weight weighs less the larger they are.
    """

    needs = frozenset({"earlier"})
    group_names = ("high", "low")

    def __init__(self, weight: float = 0.01) -> None:
        super().__init__(weight=weight)
        self.weight = weight

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        partner = required(step.batch.earlier, "earlier")
        earlier = required(step.earlier, "earlier")
        high = step.decoder.groups[0]
        alike = nn.functional.cosine_similarity(step.batch.x, partner, dim=1)
        now, before = step.code.latents(0, high), earlier.latents(0, high)
        other, _ = in_partner(now, before)
        _, shared = in_partner(before, now)
        differs = (now.values - other).abs() * alike[now.row_of_entry]
        alone = (before.values.abs() * alike[before.row_of_entry])[~shared]
        return (differs.sum() + alone.sum()) / step.x.shape[0]
