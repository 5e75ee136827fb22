"""The recall testbed's model in training: cross-entropy of the answers alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.testbeds.recall.sequences import RecallSequences, recall_sequences
from sparsetime.testbeds.recall.settings import RecallSettings
from sparsetime.training.module_trainable import ModuleTrainable
from sparsetime.training.schedule import warmup_linear_decay

_WARMUP = 20  # steps


@final
class RecallTrainable(ModuleTrainable[RecallSequences]):
    """A model of symbols with AdamW, trained on answers; metrics have its accuracy on them."""

    def __init__(self, model: nn.Module, settings: RecallSettings) -> None:
        rate = settings.learning_rate
        super().__init__(
            "the recall model",
            model,
            [torch.optim.AdamW(model.parameters(), rate, weight_decay=0.0)],
            lambda step: rate * warmup_linear_decay(step, settings.steps, _WARMUP),
            grad_clip=1.0,
        )
        self.accuracy = 0.0

    def loss(self, batch: RecallSequences, number: int) -> Float[Tensor, ""]:
        """The mean cross-entropy of the answers, in nats."""
        logits = self.module(batch.symbols)[batch.is_query]
        self.accuracy = float((logits.argmax(-1) == batch.answers).float().mean())
        return nn.functional.cross_entropy(logits, batch.answers)

    def metrics(self) -> dict[str, Any]:
        """Loss and accuracy of the last step."""
        return {"loss": round(self.last_loss, 5), "accuracy": round(self.accuracy, 5)}


def training_batches(settings: RecallSettings, skip: int) -> Iterator[RecallSequences]:
    """New sequences at every step; skip: steps left out at the beginning."""
    for step in range(skip, settings.steps):
        yield recall_sequences(settings.task, settings.batch, settings.seed, "training", step)
