"""Rebuilding: the values of every vector are decoded from it, with nothing hidden."""

from __future__ import annotations

from typing import Annotated, final

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.errors import ConfigError
from sparsetime.pretraining.objectives.pretraining_term import PretrainingTerm
from sparsetime.pretraining.pretraining_pass import PretrainingPass
from sparsetime.sequence_models.sequence_component import Count


@final
@component("rebuild", example={"d": 8, "content_size": 3})
class Rebuild(PretrainingTerm):
    """The error of a linear map from every vector to the numbers that it stands for.

        loss = mean |W h_i + b - x_i|^2

    dropped: the share of the entries of the view's vectors that are set to 0 before the model.

    Source: Lee et al. 2024, PITS, arXiv:2312.16427, section 3.2; with dropout and a transformer:
    Chang et al. 2024, TimeDRL, arXiv:2410.12606 (timestamp-predictive task).
    """

    def __init__(
        self,
        d: Count,
        content_size: Count | None,
        dropped: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    ) -> None:
        super().__init__(d=d, content_size=content_size, dropped=dropped)
        if content_size is None:
            raise ConfigError("got a view of symbols, expected one of values, which are rebuilt")
        self.dropped = dropped
        self.map = nn.Linear(d, content_size)

    def loss(self, step: PretrainingPass) -> Float[Tensor, ""]:
        """The mean square error over all vectors."""
        if self.dropped:
            vectors = step.model.contextualise(drop(step.placed, self.dropped, step.random))
        else:
            vectors = step.vectors
        return nn.functional.mse_loss(self.map(vectors), step.content)


def drop(
    x: Float[Tensor, "batch time d"], share: float, random: torch.Generator
) -> Float[Tensor, "batch time d"]:
    """Dropout with the numbers of a generator: kept entries are divided by 1 - share."""
    kept = torch.rand(x.shape, generator=random) >= share
    return x * kept.to(x) / (1 - share)
