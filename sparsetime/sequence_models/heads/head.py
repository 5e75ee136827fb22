"""Base class of heads: what a sequence model returns for its vectors."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from sparsetime.sequence_models.sequence_component import SequenceComponent


class Head(SequenceComponent):
    """A map of the vectors of a sequence to what is asked for at every step."""

    role: ClassVar[str] = "head"

    @abstractmethod
    def forward(self, x: Float[Tensor, "batch time d"]) -> Float[Tensor, "batch time out"]:
        """The outputs of all steps."""
