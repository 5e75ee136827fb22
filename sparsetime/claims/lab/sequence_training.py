"""Short trainings of sequence models in temporary folders, without output."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from tempfile import TemporaryDirectory
from typing import TypeVar, final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.sequence_models.model import SequenceModel
from sparsetime.testbeds.recall.recall_trainable import RecallTrainable, training_batches
from sparsetime.testbeds.recall.settings import RecallSettings
from sparsetime.training.job import Job
from sparsetime.training.loop import run_jobs
from sparsetime.training.module_trainable import ModuleTrainable
from sparsetime.training.plan import RunPlan
from sparsetime.training.run_folder import RunFolder
from sparsetime.training.schedule import warmup_linear_decay
from sparsetime.training.trainable import Trainable

B = TypeVar("B")
_WARMUP = 20  # steps


@final
class _LossTrainable(ModuleTrainable[B]):
    def __init__(
        self,
        model: SequenceModel,
        loss: Callable[[SequenceModel, B], Float[Tensor, ""]],
        steps: int,
        learning_rate: float,
    ) -> None:
        super().__init__(
            model.name,
            model,
            [torch.optim.AdamW(model.parameters(), learning_rate, weight_decay=0.01)],
            lambda step: learning_rate * warmup_linear_decay(step, steps, _WARMUP),
            grad_clip=1.0,
        )
        self._model, self._loss = model, loss

    def loss(self, batch: B, number: int) -> Float[Tensor, ""]:
        return self._loss(self._model, batch)


def train_sequence_model(
    model: SequenceModel,
    batches: Iterable[B],
    loss: Callable[[SequenceModel, B], Float[Tensor, ""]],
    *,
    steps: int,
    learning_rate: float,
) -> SequenceModel:
    """Trains a model in place with AdamW, and returns it in evaluation mode.

    batches: one for each of `steps` steps. The learning rate rises over 20 steps and then falls
    linearly to 0; the norm of gradients is clipped at 1.
    """
    _train(_LossTrainable(model, loss, steps, learning_rate), batches, steps)
    return model.eval()


def train_on_recall(model: SequenceModel, settings: RecallSettings) -> SequenceModel:
    """Trains a model in place on the recall task, and returns it in evaluation mode."""
    _train(RecallTrainable(model, settings), training_batches(settings, skip=0), settings.steps)
    return model.eval()


def _train(trainable: Trainable[B], batches: Iterable[B], steps: int) -> None:
    with TemporaryDirectory(prefix="sparsetime-claim-") as folder:
        plan = RunPlan(steps, rows_per_step=1, log_every=steps, checkpoint_every=2 * steps)
        job = Job(trainable, RunFolder(folder, trainable.files), {}, plan)
        job.acquire()
        run_jobs([job], iter(batches), show=False)
