"""Settings of the Python-source testbed's language model: its shape and its training."""

from __future__ import annotations

from typing import final

from pydantic import Field

from sparsetime.config import Settings


@final
class LanguageModelSettings(Settings):
    """The shape of the model: a Llama decoder with tied embeddings, 2.6 million parameters."""

    vocabulary: int = Field(4096, ge=300, description="tokens of the byte-pair tokenizer")
    context: int = Field(256, ge=8, description="tokens that the model sees at once")
    d: int = Field(192, ge=8, description="width of the residual stream")
    layers: int = Field(4, ge=1, description="decoder layers")
    heads: int = Field(6, ge=1, description="attention heads; they divide d")
    hidden: int = Field(512, ge=8, description="width of the gated feed-forward layer")


@final
class LanguageModelTraining(Settings):
    """How the model is trained: Muon for the layers' matrices, AdamW for all other parameters."""

    model: LanguageModelSettings = LanguageModelSettings()
    steps: int = Field(2600, ge=1, description="batches")
    batch: int = Field(8, ge=1, description="windows in a batch")
    learning_rate: float = Field(3e-3, gt=0, description="its peak; it ends at zero")
    warmup: int = Field(100, ge=0, description="steps over which the learning rate rises")
    weight_decay: float = Field(0.1, ge=0, description="decoupled; matrices only")
    clip: float = Field(1.0, gt=0, description="largest Euclidean norm of all gradients")
    checkpoints: int = Field(
        6, ge=1, description="snapshots at log-spaced steps, the trained model included"
    )
    save_every: int = Field(200, ge=1, description="steps between checkpoints")
    seed: int = Field(0, description="of the first weights and of the order of windows")
