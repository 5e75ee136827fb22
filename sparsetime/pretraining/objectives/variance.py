"""Guards against collapse: every dimension of the vectors varies, and no two vary together."""

from __future__ import annotations

from typing import Annotated, final

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from sparsetime.components import component
from sparsetime.pretraining.objectives.pretraining_term import PretrainingTerm, check_several
from sparsetime.pretraining.pretraining_pass import PretrainingPass
from sparsetime.sequence_models.sequence_component import Positive


@final
@component("variance")
class VarianceGuard(PretrainingTerm):
    """A hinge on the deviation of each dimension of the mean vectors over the batch.

        loss = mean_j max(0, least - sd_j)
               + covariance / d * sum_{i != j} C_ij^2

    C: the covariance of the mean vectors. A model whose vectors are all equal has the largest loss.

    Source: Bardes et al. 2022, VICReg, arXiv:2105.04906, equations 1 to 4.
    """

    def __init__(
        self, least: Positive = 1.0, covariance: Annotated[float, Field(ge=0)] = 0.04
    ) -> None:
        super().__init__(least=least, covariance=covariance)
        self.least, self.covariance = least, covariance

    def loss(self, step: PretrainingPass) -> Float[Tensor, ""]:
        """The term of the model's vectors of the batch."""
        check_several(self.kind, step)
        z = step.vectors.mean(1)
        centred = z - z.mean(0)
        c = centred.T @ centred / (len(z) - 1)
        deviation = (c.diagonal() + 1e-4).sqrt()
        off_diagonal = c - torch.diag(c.diagonal())
        hinge = (self.least - deviation).clamp_min(0).mean()
        return hinge + self.covariance * off_diagonal.square().sum() / z.shape[1]
