"""How far every nested prefix of latents is from the activation."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.objectives.term import Term
from sparsetime.dictionaries.part import part
from sparsetime.dictionaries.step import Step

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary


@final
@part("nested_mse")
class NestedMSE(Term):
    """The squared error of every nested prefix of latents, averaged over the prefixes.

    Source: Bussmann et al. 2025, Learning Multi-Level Features with Matryoshka Sparse
    Autoencoders, arXiv:2503.17547.
    """

    explains = True

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        self.weight = weight

    def objection(self, dictionary: Dictionary) -> str | None:
        if len(dictionary.groups) > 1:
            return None
        return (
            "nested_mse averages over nested groups of latents and the atoms have one group: give "
            "the atoms `groups`, such as (64, 256, 1024), or take the term 'mse'"
        )

    def loss(self, step: Step) -> Float[Tensor, ""]:
        decoder = step.dictionary.decoder
        return decoder.nested_errors(step.values, step.support, step.beyond_base).mean()
