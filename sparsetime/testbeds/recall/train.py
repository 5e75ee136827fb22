"""Training of a model on recall; an interrupted run resumes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from torch import nn

from sparsetime.files import Folder, locks
from sparsetime.testbeds.recall.model import fresh_model
from sparsetime.testbeds.recall.recall_trainable import RecallTrainable, training_batches
from sparsetime.testbeds.recall.settings import RecallSettings
from sparsetime.training.job import Job
from sparsetime.training.loop import run_jobs
from sparsetime.training.plan import RunPlan
from sparsetime.training.run_folder import RunFolder


@locks("out")
def train_recall(
    out: str | Path, settings: RecallSettings, show: bool = True, model: nn.Module | None = None
) -> nn.Module:
    """Train on sequences that are new at every step, and return the model in evaluation mode.

    `out` is a run folder with a log line every 20 steps and the trained weights. A call with the
    same settings resumes an interrupted run, and loads a finished one. model: any module from
    symbols [batch, time] to logits [batch, time, vocabulary]; without it, `fresh_model(settings)`.

    Errors: StoreError where `out` holds a run of other settings, or of a model with other weights'
    names and shapes.
    """
    folder = Folder(os.fspath(out))
    trainable = RecallTrainable(fresh_model(settings) if model is None else model, settings)
    run: dict[str, Any] = {
        "config": settings.model_dump(mode="json", exclude={"sequences", "site"})
    }
    if model is not None:  # the settings do not describe it
        run["model"] = {name: list(one.shape) for name, one in model.state_dict().items()}
    job = Job(
        trainable,
        RunFolder(folder.url, trainable.files),
        run,
        RunPlan(
            settings.steps,
            rows_per_step=settings.batch,
            log_every=20,
            checkpoint_every=max(1, settings.steps),
        ),
    )
    job.acquire()
    run_jobs([job], training_batches(settings, skip=job.next_step), show, "sequences")
    return trainable.module.eval()
