"""L1 penalty on activation values."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.objectives.term import Term


@final
@component("l1", example={"weight": 0.1})
class L1(Term):
    """L1 penalty on activation values.

        loss = 1 / n · Σ_{row, i} |z_i|

    Atoms have unit norm, so no latent lowers its penalty by a longer atom.

    Source: Bricken et al. 2023, Towards Monosemanticity: Decomposing Language Models With
    Dictionary Learning.
    """

    is_sparsity_penalty = True
    latent_tensors = frozenset()
    divides_rows = True

    def __init__(self, weight: float) -> None:
        super().__init__(weight=weight)

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        return step.per_row(step.values.abs().sum())
