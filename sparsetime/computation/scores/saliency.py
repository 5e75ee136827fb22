"""Saliency: weight times gradient."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.scores.score import ScoredMatrix, WeightScore


@final
@component("saliency")
class Saliency(WeightScore):
    """First-order change of the loss when the weight is removed, in absolute value.

        score_ij = |W_ij dL/dW_ij|

    Source: Molchanov et al. 2017, Pruning convolutional neural networks for resource efficient
    inference, equation 7, of single weights.
    """

    needs = frozenset({"gradient"})

    def __init__(self) -> None:
        super().__init__()

    def __call__(self, matrix: ScoredMatrix) -> Float[Tensor, "out in"]:
        assert matrix.gradient is not None, "computed before"
        return (matrix.weight.detach().float() * matrix.gradient.float()).abs()
