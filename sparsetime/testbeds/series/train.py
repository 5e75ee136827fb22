"""Training the series testbed's patch transformer; an interrupted run resumes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sparsetime.files import Folder, locks
from sparsetime.testbeds.series.auckland import HELD_OUT_YEARS, Counts
from sparsetime.testbeds.series.held_out_error import held_out_errors
from sparsetime.testbeds.series.patch_trainable import PatchTransformerTrainable, masked_windows
from sparsetime.testbeds.series.pretrained import RECORD, STATE
from sparsetime.testbeds.series.settings import PatchTransformerTraining
from sparsetime.torch_settings import with_gradients
from sparsetime.training.job import Job
from sparsetime.training.loop import run_jobs
from sparsetime.training.plan import RunPlan
from sparsetime.training.run_folder import RunFolder, read_metrics

RUN = "training"  # the run folder, within the folder of what is shipped
_POINTS = 40  # of the loss curve in the record


@locks("out")
def train(
    data: Counts, out: str | Path, settings: PatchTransformerTraining, show: bool = True
) -> dict[str, Any]:
    """Train, and write what is shipped: weights in bfloat16, and the record last.

    The loss is the mean square error of masked patches. The record, which is also returned, has
    the settings, the loss curve, and on the held-out years the error of the weights as they are
    shipped, beside that of the mean of the sensor at that hour of the week in the training years:
    what can be predicted without looking at the window.

    `training` within `out` is the run folder: a log line a step, a checkpoint every `save_every`
    steps. A call with the same settings resumes an interrupted run, to the same bits.

    Errors: StoreError where `out` holds a run with other settings or other data.
    """
    folder = Folder(os.fspath(out))
    with with_gradients():
        trainable = PatchTransformerTrainable(settings)
    job = Job(
        trainable,
        RunFolder((folder / RUN).url, trainable.files),
        {
            "config": settings.model_dump(mode="json"),
            "source": hashlib.sha256(data.values.tobytes()).hexdigest(),
        },
        RunPlan(
            settings.steps,
            rows_per_step=settings.batch,
            log_every=1,
            checkpoint_every=settings.save_every,
        ),
    )
    job.acquire()
    run_jobs([job], masked_windows(data, settings, skip=job.next_step), show, "windows")
    model = trainable.model.eval()
    weights = {name: value.bfloat16() for name, value in model.state_dict().items()}
    model.load_state_dict(weights)  # what is measured is what is shipped
    lines = read_metrics(job.folder.url)
    record = {
        "settings": settings.model_dump(),
        "parameters": sum(value.numel() for value in model.parameters()),
        "data": "Heart of the City Auckland, Pedestrian Monitoring System (CC BY 4.0), hourly",
        "held_out_years": list(HELD_OUT_YEARS),
        "seconds": round(lines[-1]["seconds"], 1),
        "threads": torch.get_num_threads(),
        "loss": _curve([line["loss"] for line in lines]),
        "held_out": held_out_errors(model, data, settings),
    }
    folder.write_tensors(STATE, weights)
    folder.write_json(RECORD, record)
    return record


def _curve(losses: Sequence[float]) -> list[list[float]]:
    """[step, mean loss since the last point]."""
    pieces = np.array_split(np.arange(len(losses)), min(_POINTS, len(losses)))
    return [[int(at[-1]) + 1, round(float(np.array(losses)[at].mean()), 4)] for at in pieces]
