"""L1 penalty on activation values in units of the atoms' lengths."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime import kernels
from sparsetime.components import component
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.objectives.term import Term


@final
@component("scaled_l1", example={"weight": 0.1})
class ScaledL1(Term):
    """L1 penalty on activation values, each times the length of its atom.

        loss = 1 / n · Σ_{row, i} |z_i| · ||w_i||

    For atoms of any length (decoder `free_norm`): a longer atom with a smaller value costs the
    same. For atoms of unit length this is the term `l1`.

    Source: Conerly et al. 2024, Update on how we train SAEs (Circuits Updates, April 2024).
    """

    is_sparsity_penalty = True
    latent_tensors = frozenset()
    divides_rows = True

    def __init__(self, weight: float) -> None:
        super().__init__(weight=weight)

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        lengths = step.decoder.vectors().norm(dim=1)
        scaled = step.values.abs() * kernels.at_entries(lengths, step.support)
        return step.per_row(scaled.sum())
