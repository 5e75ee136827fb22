"""Magnitude score."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.scores.score import ScoredMatrix, WeightScore


@final
@component("magnitude")
class Magnitude(WeightScore):
    """Absolute value of the weight.

        score_ij = |W_ij|

    Source: Han et al. 2015, Learning both weights and connections for efficient neural networks.
    """

    def __init__(self) -> None:
        super().__init__()

    def __call__(self, matrix: ScoredMatrix) -> Float[Tensor, "out in"]:
        return matrix.weight.detach().float().abs()
