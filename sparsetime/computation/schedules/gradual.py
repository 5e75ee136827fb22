"""Gradual schedule: sparsity rises with the cube of the time that is left."""

from __future__ import annotations

from typing import final

from sparsetime.components import component
from sparsetime.computation.schedules.mask_schedule import MaskSchedule
from sparsetime.errors import ConfigError


@final
@component("gradual", example={"steps": 10})
class Gradual(MaskSchedule):
    """Sparsity rises from 0 to its final value, fast first, over a stretch of training.

        s(t) = s (1 - (1 - (t - begin) / (steps - begin))^3)

    steps: optimiser step at which the final sparsity is reached. begin: at which it starts to rise.
    every: steps between two updates of the masks.

    Source: Zhu and Gupta 2017, To prune, or not to prune, equation 1.
    """

    is_training = True

    def __init__(self, steps: int = 1000, begin: int = 0, every: int = 10) -> None:
        super().__init__(steps=steps, begin=begin, every=every)
        if begin < 0 or every < 1 or steps <= begin:
            raise ConfigError(
                f"got steps={steps}, begin={begin}, every={every} of a gradual schedule, expected "
                "0 <= begin < steps and every of at least 1"
            )
        self.steps, self.begin, self.every = steps, begin, every

    def progress(self, step: int) -> float:
        done = min(max((step - self.begin) / (self.steps - self.begin), 0.0), 1.0)
        return 1 - (1 - done) ** 3

    def is_update(self, step: int) -> bool:
        regular = (step - self.begin) % self.every == 0 and self.begin < step < self.steps
        return regular or step == self.steps
