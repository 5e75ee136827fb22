"""The settings of a pretraining run."""

from __future__ import annotations

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from sparsetime.config import Settings
from sparsetime.training.plan import RunPlan


class PretrainConfig(Settings):
    """How a sequence model is pretrained. Fields that are None are derived from the data."""

    steps: PositiveInt = Field(1_000, description="optimiser steps")
    batch: int = Field(
        32, ge=2, description="sequences a step; without `window` at most all of them"
    )
    window: PositiveInt | None = Field(
        None,
        description="steps of a sequence that are read at once, from a random one on; None: whole "
        "sequences, which then have equal lengths",
    )
    learning_rate: PositiveFloat = Field(1e-3, description="AdamW's step size at its peak")
    weight_decay: float = Field(0.01, ge=0, description="AdamW's decay of weights")
    warmup_steps: NonNegativeInt = Field(20, description="first steps, with a rising rate")
    grad_clip: PositiveFloat = Field(1.0, description="largest Euclidean norm of all gradients")
    seed: int = Field(0, description="of the order, masks, crops, noise and decoders")
    log_every: PositiveInt = Field(10, description="steps between lines of metrics.jsonl")
    checkpoint_every: PositiveInt | None = Field(
        None, description="steps between checkpoints; None: ten over the run"
    )

    def plan(self, batch: int) -> RunPlan:
        """The length of the run of `batch` sequences a step, and when it logs and saves."""
        every = self.checkpoint_every or max(1, self.steps // 10)
        return RunPlan(self.steps, batch, self.log_every, every)
