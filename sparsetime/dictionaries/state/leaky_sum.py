"""Leaky sums of the codes of every stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.state import ComponentState


@final
@dataclass(frozen=True)
class LeakySum(ComponentState):
    """Sums of past values and of their weights, in every stream; zero before the first step.

    values: [streams, width]. weight: [streams].
    """

    values: Float[Tensor, "streams width"]
    weight: Float[Tensor, " streams"]

    @staticmethod
    def none(streams: int, width: int, like: Tensor) -> LeakySum:
        """Of streams that have no past."""
        return LeakySum(like.new_zeros(streams, width), like.new_zeros(streams))

    def after(
        self, decay: float, values: Float[Tensor, "streams width"], some: Bool[Tensor, " streams"]
    ) -> LeakySum:
        """One step later, in the streams that have another step."""
        summed = torch.where(some[:, None], decay * self.values + values, self.values)
        return LeakySum(summed, torch.where(some, decay * self.weight + 1, self.weight))

    def reset(self, forgotten: Bool[Tensor, " streams"]) -> LeakySum:
        values = self.values.masked_fill(forgotten[:, None], 0.0)
        return LeakySum(values, self.weight.masked_fill(forgotten, 0.0))
