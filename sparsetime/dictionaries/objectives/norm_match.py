"""Difference between the norms of a code and its activation."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.objectives.term import Term


@final
@component("length_match")
class NormMatch(Term):
    """Squared difference between the norm of the code and the norm of the centred activation.

        loss = mean_n (||z_n|| - ||x_n - b||)²,    b: offset of the decoder

    Nearly orthogonal atoms of unit norm preserve norms, so the difference measures how far they
    are from orthogonal.

    Source: Lee et al. 2025, Evaluating and Designing Sparse Autoencoders by Approximating
    Quasi-Orthogonality, arXiv:2503.24277.
    """

    latent_tensors = frozenset()
    divides_rows = True

    def __init__(self, weight: float = 1 / 32) -> None:
        super().__init__(weight=weight)

    def incompatibility(self, composition: Composition) -> str | None:
        if composition.out_dims is None:
            return None
        return (
            "got a dictionary that reconstructs another site than it reads, expected one that "
            "reconstructs its input for the term 'length_match'; leave the term out"
        )

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        squares = step.values.new_zeros(step.support.rows)
        squares = squares.index_add(0, step.support.row_of_entry, step.values.square())
        squares = step.partition.over_latents(squares)
        # The constant keeps the gradient finite where a code is empty.
        norms = (squares + 1e-12).sqrt()
        targets: Tensor = step.encoder_input.norm(dim=1)
        return step.partition.over_rows((norms - targets).square().mean())
