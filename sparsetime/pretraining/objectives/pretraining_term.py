"""Base class of the terms of a pretraining objective."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from sparsetime.errors import ConfigError, DataError
from sparsetime.pretraining.pretraining_pass import PretrainingPass
from sparsetime.sequence_models.model import SequenceModel
from sparsetime.sequence_models.sequence_component import SequenceComponent


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


def check_no_overlap(term: str, model: SequenceModel) -> None:
    """Errors: ConfigError for a view whose vectors share steps with their neighbours.

    A vector that is predicted, or contrasted, would be read from its neighbours.
    """
    view = model.view
    if view.size > view.stride:
        raise ConfigError(
            f"got overlapping patches (size={view.size}, stride={view.stride}) for the term "
            f"{term!r}, expected patches one after another: neighbours hold values of each other; "
            "leave stride out"
        )


def check_several(term: str, step: PretrainingPass) -> None:
    """Errors: DataError for a batch of one sequence, where a term compares sequences."""
    if len(step.x) < 2:
        raise DataError(
            f"got a batch of one sequence for the term {term!r}, expected at least two, which it "
            "compares; give more sequences, or window="
        )
