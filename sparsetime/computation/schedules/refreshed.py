"""Refreshed schedule: masks are chosen again from the dense weights at every few steps."""

from __future__ import annotations

from typing import final

from sparsetime.components import component
from sparsetime.computation.schedules.mask_schedule import MaskSchedule
from sparsetime.errors import ConfigError


@final
@component("refreshed")
class Refreshed(MaskSchedule):
    """The mask is that of the present dense weights, chosen again every few steps.

        M(t) = mask of score(W(t))  at every multiple of `every`

    It is of use with gradient rules that keep dense weights, such as `straight_through`.

    Source: Zhou et al. 2021, Learning N:M Fine-grained Structured Sparse Neural Networks From
    Scratch, algorithm 1.
    """

    is_training = True

    def __init__(self, every: int = 1) -> None:
        super().__init__(every=every)
        if every < 1:
            raise ConfigError(f"got every={every} of a refreshed mask, expected at least 1 step")
        self.every = every

    def is_update(self, step: int) -> bool:
        return step % self.every == 0
