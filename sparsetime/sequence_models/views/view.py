"""Base class of views: how a sequence becomes vectors over time."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from jaxtyping import Float, Shaped
from torch import Tensor

from sparsetime.sequence_models.sequence_component import SequenceComponent


class ViewComponent(SequenceComponent):
    """A map of sequences [batch, steps, ...] to vectors [batch, time, d].

    stride: steps of the input to one vector. Vector i stands for the steps i * stride to
    (i + 1) * stride, so a captured row keeps its true time.
    """

    role: ClassVar[str] = "view"
    stride: int = 1

    @abstractmethod
    def forward(self, x: Shaped[Tensor, "batch steps ..."]) -> Float[Tensor, "batch time d"]:
        """The vectors of a batch of sequences."""
