"""Base class of the loss terms of an objective."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.component import Component
from sparsetime.dictionaries.forward_pass import ForwardPass


class Term(Component):
    """Differentiable loss term, multiplied by `weight` in the objective."""

    role = "term"
    #: Whether it is a reconstruction error; every objective needs one.
    is_reconstruction: ClassVar[bool] = False
    #: Whether it penalises activation; sparsifiers without a fixed sparsity need one.
    is_sparsity_penalty: ClassVar[bool] = False
    weight: float

    @abstractmethod
    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        """The term for one batch, before its weight."""
