"""What two rows have in common, and what tells them apart, in different latents."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.forward_pass import ForwardPass, required
from sparsetime.dictionaries.objectives.pair_codes import in_partner
from sparsetime.dictionaries.objectives.term import Term


@final
@component("pair_contrast")
class SharedPrivate(Term):
    """The first group of latents should be equal in a row and its partner, the others disjoint.

    The sum over the first group of how far strengths differ, and over the others of the product of
    both strengths, mean over rows: both are zero where the first group holds just what the two
    rows share, and no other latent is on in both.

    Source: the division into common and differentiating features of Poupart 2024,
    arXiv:2406.04028. The formula is ours, written from the abstract.
    """

    needs = frozenset({"earlier"})
    group_names = ("common", "contrastive")

    def __init__(self, weight: float = 0.1) -> None:
        super().__init__(weight=weight)
        self.weight = weight

    def incompatibility(self, composition: Composition) -> str | None:
        if len(composition.groups) > 1:
            return None
        return (
            f"the term {self.kind!r} tells a first group of latents from the others and the atoms "
            "have one group: give the atoms `groups`, such as (256, 1024)"
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
        return (differs + overlaps) / step.x.shape[0]
