"""Base class of the terms of a pretraining objective."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar, TypeAlias

from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from sparsetime.pretraining.pretraining_pass import PretrainingPass
from sparsetime.sequence_models.model import SequenceModel
from sparsetime.sequence_models.sequence_component import SequenceComponent

#: The factor of a term in the objective.
Weight: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class PretrainingTerm(SequenceComponent):
    """A differentiable term of what a sequence model is pretrained on, with its own parameters.

    Decoders and predictors are parameters of the term: they are trained along, and left behind. A
    term's settings `d` and `content_size` are those of the model, filled in.
    """

    role: ClassVar[str] = "pretraining_term"

    def check(self, model: SequenceModel) -> None:
        """Errors: ConfigError where the model cannot be trained on this term."""

    @abstractmethod
    def loss(self, step: PretrainingPass) -> Float[Tensor, ""]:
        """The term of one batch, before its weight."""
