"""The sum of strengths."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.objectives.term import Term


@final
@component("l1", example={"weight": 0.1})
class L1(Term):
    """Sum of strengths, mean over rows; atoms have unit norm, so none can hide behind its length.

    Source: Bricken et al. 2023, Towards Monosemanticity.
    """

    is_sparsity_penalty = True

    def __init__(self, weight: float) -> None:
        super().__init__(weight=weight)
        self.weight = weight

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        return step.values.abs().sum() / step.x.shape[0]
