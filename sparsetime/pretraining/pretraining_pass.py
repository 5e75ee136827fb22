"""PretrainingPass: what the terms of one training step read, each thing computed once."""

from __future__ import annotations

from functools import cached_property
from typing import final

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from sparsetime.sequence_models.model import SequenceModel
from sparsetime.sequence_models.views.vector_layout import VectorLayout


@final
class PretrainingPass:
    """A batch of sequences, the model and its teacher, and the random numbers of the step.

    teacher: a moving average of the model, or the model itself; its vectors carry no gradient.
    """

    def __init__(
        self,
        model: SequenceModel,
        teacher: SequenceModel,
        x: Shaped[Tensor, "batch steps ..."],
        random: torch.Generator,
    ) -> None:
        self.model, self._teacher, self.x, self.random = model, teacher, x, random

    @property
    def layout(self) -> VectorLayout:
        """How the vectors of the sequences are arranged."""
        return self.model.view.layout(self.x.shape[1])

    @cached_property
    def embedded(self) -> Float[Tensor, "batch time d"]:
        """The vectors of the view, without positions."""
        return self.model.view.embed(self.x)

    @cached_property
    def placed(self) -> Float[Tensor, "batch time d"]:
        """The vectors of the view, with positions where it has some."""
        return self.embedded + self.positions if self.model.view.has_positions else self.embedded

    @cached_property
    def positions(self) -> Float[Tensor, "time d"]:
        """The positions of the view. Errors: ConfigError for a view without."""
        return self.model.view.positions(self.layout).to(self.embedded)

    @cached_property
    def vectors(self) -> Float[Tensor, "batch time d"]:
        """The model's vectors of the sequences as they are."""
        return self.model.contextualise(self.placed)

    @cached_property
    def content(self) -> Float[Tensor, "batch time content_size"]:
        """The numbers that each vector stands for."""
        return self.model.view.content(self.x)

    @torch.no_grad()
    def teach(self, x: Shaped[Tensor, "batch steps ..."]) -> Float[Tensor, "batch time d"]:
        """The teacher's vectors of sequences."""
        return self._teacher.vectors(x, None)
