"""Base class of the loss terms of an objective."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.component import Component
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.errors import ConfigError


class Term(Component):
    """Differentiable loss term, multiplied by `weight` in the objective.

    Errors: ConfigError for a negative weight.
    """

    role = "term"
    #: Whether it is a reconstruction error; every objective needs one.
    is_reconstruction: ClassVar[bool] = False
    #: Whether it penalises activation; sparsifiers without a fixed sparsity need one.
    is_sparsity_penalty: ClassVar[bool] = False
    weight: float

    def __init__(self, **settings: Any) -> None:
        if not settings["weight"] >= 0:
            raise ConfigError(
                f"got weight={settings['weight']}, expected at least 0: the objective is minimised"
            )
        super().__init__(**settings)
        self.weight = settings["weight"]

    @abstractmethod
    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        """The term for one batch, before its weight."""
