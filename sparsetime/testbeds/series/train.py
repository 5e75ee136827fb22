"""Training the series testbed's transformer, so that a run that was cut off goes on, and measuring
it on the years it never saw.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor, nn

from sparsetime.files import Folder
from sparsetime.progress import progress
from sparsetime.testbeds.resuming import rise_and_fall
from sparsetime.testbeds.series.auckland import HELD_OUT_YEARS, Counts
from sparsetime.testbeds.series.model import SeriesModel, fresh_model
from sparsetime.testbeds.series.pretrained import RECORD, STATE
from sparsetime.testbeds.series.settings import PatchTransformerTraining
from sparsetime.testbeds.series.state import LOG, restore_state, save_state
from sparsetime.testbeds.series.windows import learnable, windows

_POINTS = 40  # of the loss curve in the record
_AT_ONCE = 64


def train(
    data: Counts, out: str | Path, settings: PatchTransformerTraining, show: bool = True
) -> dict[str, Any]:
    """Train, and write what is shipped: weights in bfloat16, and the record last.

    The loss is the mean square of what was filled in less what was there. The record, which is
    also returned, has the settings, the loss curve, and on the held-out years the error of the
    weights as they are shipped, beside that of the mean of the sensor at that hour of the week in
    the years it learnt from: what one can know without looking at the window.

    The whole state is kept in `training` within `out`, every `save_every` steps, and a log line a
    step. A call with the same settings goes on where the last one stopped, to the same bits.

    Errors: MismatchError where `out` holds a training with other settings.
    """
    folder = Folder(os.fspath(out))
    model = fresh_model(settings.model, settings.seed)
    optimiser = torch.optim.AdamW(
        model.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    losses, before = restore_state(folder, model, optimiser, settings)
    began = time.monotonic() - before
    with progress("train the series model", settings.steps, "steps", show) as bar:
        bar.advance(len(losses))
        for values, away in _batches(data, settings, skip=len(losses)):
            part = rise_and_fall(len(losses), settings.steps, settings.warmup)
            rate = settings.learning_rate * part
            losses.append(_step(model, optimiser, values, away, rate, settings.clip))
            folder.append_text(LOG, json.dumps({"loss": losses[-1]}) + "\n")
            bar.advance()
            bar.say(f"loss {losses[-1]:.3f}")
            if len(losses) % settings.save_every == 0 or len(losses) == settings.steps:
                save_state(folder, model, optimiser, len(losses), time.monotonic() - began)
    weights = {name: value.bfloat16() for name, value in model.state_dict().items()}
    model.load_state_dict(weights)
    measured = {
        "settings": settings.model_dump(),
        "parameters": sum(value.numel() for value in model.parameters()),
        "data": "Heart of the City Auckland, Pedestrian Monitoring System (CC BY 4.0), hourly",
        "held_out_years": list(HELD_OUT_YEARS),
        "seconds": round(time.monotonic() - began, 1),
        "threads": torch.get_num_threads(),
        "loss": _curve(losses),
        "held_out": held_out_errors(model.eval(), data, settings),
    }
    folder.write_bytes(STATE, save(weights))
    folder.write_json(RECORD, measured)
    return measured


def _batches(
    data: Counts, settings: PatchTransformerTraining, skip: int
) -> Iterator[tuple[Float[Tensor, "batch patches hours"], Bool[Tensor, "batch patches"]]]:
    """The windows of every step and the patches taken away, but for those of the first steps."""
    random = np.random.default_rng(settings.seed)
    places = learnable(data, settings.model.hours)
    for step in range(settings.steps):
        chosen = places[random.integers(len(places), size=settings.batch)]
        drawn = random.random((settings.batch, settings.model.patches))
        if step >= skip:
            yield _cut(data, chosen, settings), torch.from_numpy(drawn < settings.masked)


def _step(
    model: SeriesModel,
    optimiser: torch.optim.Optimizer,
    values: Float[Tensor, "batch patches hours"],
    away: Bool[Tensor, "batch patches"],
    rate: float,
    clip: float,
) -> float:
    loss = filled_error(model, values, away)
    optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), clip)
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.step()
    return float(loss.detach())


def filled_error(
    model: SeriesModel,
    values: Float[Tensor, "batch patches hours"],
    away: Bool[Tensor, "batch patches"],
) -> Float[Tensor, ""]:
    """The mean square error of the patches that were taken away."""
    guess = model(values.masked_fill(away[..., None], 0.0))
    return nn.functional.mse_loss(guess[away], values[away])


@torch.no_grad()
def held_out_errors(
    model: SeriesModel, data: Counts, settings: PatchTransformerTraining
) -> dict[str, float]:
    """Mean square errors of taken-away patches in the years held out.

    model: of the model. hour_of_week: of the sensor's mean at that hour of the week.
    """
    random = np.random.default_rng(settings.seed)
    usual = hour_of_week(data)
    found = [window for window in windows(data, settings.model) if window.held_out]
    ours, theirs, count = 0.0, 0.0, 0
    for at in range(0, len(found), _AT_ONCE):
        some = found[at : at + _AT_ONCE]
        values = torch.from_numpy(np.stack([window.values for window in some]))
        away = torch.from_numpy(random.random(values.shape[:2]) < settings.masked)
        starts = np.array([window.start for window in some])
        sensors = np.array([data.sensors.index(window.sensor) for window in some])
        hours = starts[:, None] + np.arange(settings.model.hours)
        mean = torch.from_numpy(usual[hours % len(usual), sensors[:, None]])
        size = int(away.sum())
        ours += float(filled_error(model, values, away)) * size
        theirs += float((mean.reshape(values.shape) - values)[away].square().mean()) * size
        count += size
    return {"model": round(ours / count, 4), "hour_of_week": round(theirs / count, 4)}


def hour_of_week(data: Counts) -> NDArray[np.float32]:
    """The mean of every sensor at every hour of the week, in the years not held out.

    Float32 [168, sensors]; hour `i` of the data is row `i % 168`.
    """
    seen = np.where(data.held_out[:, None], np.nan, data.values)
    length = len(seen) // 168 * 168
    found: NDArray[np.float32] = np.nanmean(seen[:length].reshape(-1, 168, seen.shape[1]), axis=0)
    return found


def _cut(
    data: Counts, chosen: NDArray[np.int64], settings: PatchTransformerTraining
) -> Float[Tensor, "batch patches hours"]:
    model = settings.model
    hours = chosen[:, 1:] + np.arange(model.hours)
    values = torch.from_numpy(data.values[hours, chosen[:, :1]])
    return values.reshape(-1, model.patches, model.patch)


def _curve(losses: list[float]) -> list[list[float]]:
    """[step, mean loss since the last point]."""
    pieces = np.array_split(np.arange(len(losses)), min(_POINTS, len(losses)))
    return [[int(at[-1]) + 1, round(float(np.array(losses)[at].mean()), 4)] for at in pieces]
