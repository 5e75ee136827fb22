"""Base class of schedules: when masks change, how sparse they are, and what decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.components import RegisteredComponent
from sparsetime.computation.input_statistics import InputStatistics


@final
@dataclass(frozen=True)
class MaskUpdate:
    """What a schedule may read of a matrix when masks change.

    weight, mask, scores: the matrix, its present mask, and the plan's scores. step: optimiser steps
    so far. gradient: of the loss by all entries, also removed ones. generator: of random choices.
    """

    weight: Float[Tensor, "out in"]
    mask: Bool[Tensor, "out in"]
    scores: Float[Tensor, "out in"]
    step: int
    generator: torch.Generator
    gradient: Float[Tensor, "out in"] | None = None


class MaskSchedule(RegisteredComponent):
    """When masks change during training, and by which scores."""

    role = "mask_schedule"
    #: Whether masks change during training, so that the plan is to be attached to an optimiser.
    is_training: ClassVar[bool] = False
    #: Whether updates read the plan's scores.
    reads_scores: ClassVar[bool] = True
    #: What it reads beside the weights, as of scores.
    needs: ClassVar[frozenset[str]] = frozenset()

    def progress(self, step: int) -> float:
        """The share of the final sparsity that is reached after `step` optimiser steps."""
        del step
        return 1.0

    def is_update(self, step: int) -> bool:
        """Whether masks are chosen again after that optimiser step, counted from 1."""
        del step
        return False

    def needs_gradient(self, step: int) -> bool:
        """Whether the update at that step reads gradients of removed entries."""
        del step
        return False

    def update_scores(self, update: MaskUpdate) -> Float[Tensor, "out in"]:
        """The scores by which the structure chooses the mask at an update."""
        return update.scores

    def refined(
        self,
        mask: Bool[Tensor, "out in"],
        weight: Float[Tensor, "out in"],
        inputs: InputStatistics | None,
    ) -> Bool[Tensor, "out in"]:
        """The first mask, improved by calibration data; most schedules leave it."""
        del weight, inputs
        return mask
