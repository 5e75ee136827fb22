"""Base class of channels: what a block computes of every step on its own."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from sparsetime.sequence_models.sequence_component import SequenceComponent


class Channel(SequenceComponent):
    """A map of every step [batch, time, d], which reads no other step."""

    role: ClassVar[str] = "channel"

    @abstractmethod
    def forward(self, x: Float[Tensor, "batch time d"]) -> Float[Tensor, "batch time d"]:
        """The outputs of all steps."""
