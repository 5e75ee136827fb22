"""Settings of the recall testbed: its sequences, the model and its training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

from pydantic import Field, model_validator

from sparsetime.config import Settings


@final
class RecallTask(Settings):
    """Sequences in which keys are given a value, and asked for it later.

    Symbols are numbered: first the keys, then the values, then the noise.
    """

    length: int = Field(64, ge=8, description="steps of a sequence")
    pairs: int = Field(4, ge=1, description="pairs that are planted in the first half")
    queries: int = Field(1, ge=1, description="times that each key is asked for")
    keys: int = Field(16, ge=1, description="different keys")
    values: int = Field(16, ge=2, description="different values")
    noise: int = Field(16, ge=1, description="different symbols between")

    @property
    def vocabulary(self) -> int:
        """Number of symbols."""
        return self.keys + self.values + self.noise

    @model_validator(mode="after")
    def _fits(self) -> RecallTask:
        if self.pairs > self.keys:
            raise ValueError(f"expected at most keys={self.keys} pairs, since keys differ")
        if 4 * self.pairs > self.length or 4 * self.pairs * self.queries > self.length:
            needed = 4 * self.pairs * self.queries
            raise ValueError(f"expected a length of at least {needed} for that many pairs")
        return self


@final
class RecallSettings(Settings):
    """What the model is, how it is trained, and what is captured of it."""

    mixer: str | dict[str, Any] = Field("attention", description="kind, or kind and settings")
    d: int = Field(32, ge=1, description="dimension of the vectors")
    layers: int = Field(1, ge=1, description="blocks of that mixer, each after a convolution")
    task: RecallTask = RecallTask()
    steps: int = Field(400, ge=1, description="training steps")
    batch: int = Field(64, ge=1, description="sequences a step")
    learning_rate: float = Field(1e-2, gt=0, description="peak of the schedule")
    seed: int = Field(0, description="of weights and training sequences")
    sequences: int = Field(256, ge=1, description="held-out sequences that are captured")
    site: str | None = Field(None, description="what is captured; the last block by default")

    @property
    def mixer_config(self) -> Mapping[str, Any]:
        """Kind and settings of the mixer."""
        return {"kind": self.mixer} if isinstance(self.mixer, str) else self.mixer
