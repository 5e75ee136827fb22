"""Settings of the series testbed's patch transformer: its shape and its training."""

from __future__ import annotations

from typing import final

from pydantic import Field

from sparsetime.config import Settings


@final
class PatchTransformerSettings(Settings):
    """The shape of the model: a patch transformer of 244 thousand parameters."""

    patch: int = Field(3, ge=1, description="hours of a patch, which is one step")
    # 25 days and 3 hours: neither the weekday nor the hour follows from the place in a window.
    patches: int = Field(201, ge=2, description="patches that the model sees at once")
    d: int = Field(96, ge=4, description="width of the residual stream")
    layers: int = Field(3, ge=1, description="encoder layers")
    heads: int = Field(6, ge=1, description="attention heads; they divide d")
    hidden: int = Field(192, ge=4, description="width of the feed-forward layer")

    @property
    def hours(self) -> int:
        """In one window."""
        return self.patch * self.patches


@final
class PatchTransformerTraining(Settings):
    """How the model is trained: to predict masked patches, with AdamW."""

    model: PatchTransformerSettings = PatchTransformerSettings()
    steps: int = Field(1200, ge=1, description="batches")
    batch: int = Field(16, ge=1, description="windows in a batch, each of a sensor and a time")
    masked: float = Field(0.4, gt=0, lt=1, description="share of the patches masked")
    learning_rate: float = Field(3e-3, gt=0, description="its peak; it ends at zero")
    warmup: int = Field(50, ge=0, description="steps over which the learning rate rises")
    weight_decay: float = Field(0.01, ge=0, description="decoupled")
    clip: float = Field(1.0, gt=0, description="largest Euclidean norm of all gradients")
    save_every: int = Field(100, ge=1, description="steps between checkpoints")
    seed: int = Field(0, description="of the first weights, of the windows and of the masks")
