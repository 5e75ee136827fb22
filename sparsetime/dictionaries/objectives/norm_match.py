"""A code should be as long as what it stands for."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.objectives.term import Term


@final
@component("length_match")
class NormMatch(Term):
    """Squared difference of the code's length and the activation's without its offset, mean over
    rows.

    Source: the loss of Lee et al. 2025, Evaluating and Designing Sparse Autoencoders by
    Approximating Quasi-Orthogonality, arXiv:2503.24277.
    """

    def __init__(self, weight: float = 1 / 32) -> None:
        super().__init__(weight=weight)
        self.weight = weight

    def incompatibility(self, composition: Composition) -> str | None:
        if composition.out_dims is None:
            return None
        return (
            "length_match compares a code with the activation that it stands for, and this "
            "dictionary reconstructs another site than it reads: leave the term out"
        )

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        squares = step.values.new_zeros(step.support.rows)
        squares = squares.index_add(0, step.support.row_of_entry, step.values.square())
        lengths = (squares + 1e-12).sqrt()  # an empty code's length has a gradient too
        aims: Tensor = step.encoder_input.norm(dim=1)
        return (lengths - aims).square().mean()
