"""Traces of the codes of every stream: what is left of past values, step by step."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Self, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.state import ComponentState


class Trace(ComponentState):
    """Base class of traces; zero before the first step.

    values: [streams, width]. decay: what is left after a step.
    """

    values: Float[Tensor, "streams width"]

    @abstractmethod
    def after(self, values: Float[Tensor, "streams width"], some: Bool[Tensor, " streams"]) -> Self:
        """One step later, in the streams that have another step."""

    @abstractmethod
    def read(self) -> Float[Tensor, "streams width"]:
        """The trace of every latent."""


@final
@dataclass(frozen=True)
class LeakySum(Trace):
    """Sums of past values and of their weights [streams]; the trace is their quotient."""

    values: Float[Tensor, "streams width"]
    weight: Float[Tensor, " streams"]
    decay: float

    def after(
        self, values: Float[Tensor, "streams width"], some: Bool[Tensor, " streams"]
    ) -> LeakySum:
        summed = torch.where(some[:, None], self.decay * self.values + values, self.values)
        weight = torch.where(some, self.decay * self.weight + 1, self.weight)
        return LeakySum(summed, weight, self.decay)

    def read(self) -> Float[Tensor, "streams width"]:
        return self.values / self.weight.clamp_min(1)[:, None]

    def reset(self, forgotten: Bool[Tensor, " streams"]) -> LeakySum:
        values = self.values.masked_fill(forgotten[:, None], 0.0)
        return LeakySum(values, self.weight.masked_fill(forgotten, 0.0), self.decay)


@final
@dataclass(frozen=True)
class LeakyMaximum(Trace):
    """The largest of past values, each less the longer ago it was."""

    values: Float[Tensor, "streams width"]
    decay: float

    def after(
        self, values: Float[Tensor, "streams width"], some: Bool[Tensor, " streams"]
    ) -> LeakyMaximum:
        left = self.decay * self.values
        later = torch.where(values.abs() >= left.abs(), values, left)
        return LeakyMaximum(torch.where(some[:, None], later, self.values), self.decay)

    def read(self) -> Float[Tensor, "streams width"]:
        return self.values

    def reset(self, forgotten: Bool[Tensor, " streams"]) -> LeakyMaximum:
        return LeakyMaximum(self.values.masked_fill(forgotten[:, None], 0.0), self.decay)
