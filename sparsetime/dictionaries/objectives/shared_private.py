"""Shared and private latents of a pair of rows."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.forward_pass import ForwardPass, required
from sparsetime.dictionaries.objectives.pair_codes import in_partner
from sparsetime.dictionaries.objectives.term import Term


@final
@component("pair_contrast")
class SharedPrivate(Term):
    """Shared and private latents of a pair: the first group agrees, all others are disjoint.

        loss = 1 / n · Σ_pair (Σ_{i in first group} |z_i - z'_i| + Σ_{other i} z_i · z'_i)

    It is zero where the first group holds what both rows share and no other latent is active in
    both.

    Source: the division into common and contrastive features of Poupart 2024, arXiv:2406.04028.
    The formula is this library's, written from the abstract.
    """

    needs = frozenset({"earlier"})
    latent_tensors = frozenset()
    divides_rows = True
    group_names = ("common", "contrastive")

    def __init__(self, weight: float = 0.1) -> None:
        super().__init__(weight=weight)

    def incompatibility(self, composition: Composition) -> str | None:
        if len(composition.groups) > 1:
            return None
        return (
            f"got a decoder with one group of latents, expected two or more for the term "
            f"{self.kind!r}; give the decoder `groups`, such as (256, 1024)"
        )

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        earlier = required(step.earlier, "earlier")
        common = step.decoder.groups[0]
        other, _ = in_partner(step.code, earlier)
        _, shared = in_partner(earlier, step.code)
        first = step.support.indices < common
        differs = ((step.values - other).abs() * first).sum()
        alone = ~shared & (earlier.indices < common)
        differs = differs + (earlier.values.abs() * alone).sum()
        overlaps = (step.values * other * ~first).sum()
        return step.per_row(differs + overlaps)
