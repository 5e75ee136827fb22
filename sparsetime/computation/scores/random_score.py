"""Random score: masks that read nothing of the weights."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.scores.score import ScoredMatrix, WeightScore


@final
@component("random")
class RandomScore(WeightScore):
    """A random number for each weight, so that the mask is random.

        score_ij = u_ij,  u uniform on [0, 1)

    Source: Liu et al. 2022, The Unreasonable Effectiveness of Random Pruning.
    """

    def __init__(self) -> None:
        super().__init__()

    def __call__(self, matrix: ScoredMatrix) -> Float[Tensor, "out in"]:
        # Drawn on the CPU, so that all devices and processes have one mask.
        drawn = torch.rand(matrix.weight.shape, generator=matrix.generator)
        return drawn.to(matrix.weight.device)
