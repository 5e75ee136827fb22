"""Wanda: magnitude of weight times norm of input."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.scores.score import ScoredMatrix, WeightScore


@final
@component("wanda")
class Wanda(WeightScore):
    """Magnitude of the weight times the norm of its input over calibration data.

        score_ij = |W_ij| ||X_j||_2

    Source: Sun et al. 2024, A Simple and Effective Pruning Approach for Large Language Models,
    equation 1.
    """

    needs = frozenset({"inputs"})

    def __init__(self) -> None:
        super().__init__()

    def __call__(self, matrix: ScoredMatrix) -> Float[Tensor, "out in"]:
        assert matrix.inputs is not None, "calibrated before"
        return matrix.weight.detach().float().abs() * matrix.inputs.norm
