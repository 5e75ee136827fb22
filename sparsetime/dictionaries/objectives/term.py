"""What a term of an objective is."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.component import Component
from sparsetime.dictionaries.forward_pass import ForwardPass


class Term(Component):
    """A number that training makes small."""

    role = "term"
    #: Whether it asks the code to explain the activation; some term of every objective must.
    is_reconstruction: ClassVar[bool] = False
    #: Whether it makes codes sparse, for sparsifiers that do not by themselves.
    is_sparsity_penalty: ClassVar[bool] = False
    weight: float

    @abstractmethod
    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        """The term for one batch, before its weight."""
