"""Error of the series testbed's patch transformer on held-out years, beside a calendar baseline."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from sparsetime import seeds
from sparsetime.testbeds.series.auckland import Counts
from sparsetime.testbeds.series.model import SeriesModel
from sparsetime.testbeds.series.patch_trainable import masked_patch_error
from sparsetime.testbeds.series.settings import PatchTransformerTraining
from sparsetime.testbeds.series.windows import windows

_WINDOWS_PER_BATCH = 64


@torch.no_grad()
def held_out_errors(
    model: SeriesModel, data: Counts, settings: PatchTransformerTraining
) -> dict[str, float]:
    """Mean square errors of masked patches in the held-out years.

    model: of the model. hour_of_week: of the sensor's mean at that hour of the week.
    """
    random = seeds.numpy_generator(settings.seed, "masked patches held out")
    calendar = hour_of_week(data)
    held_out = [window for window in windows(data, settings.model) if window.held_out]
    model_sum, calendar_sum, count = 0.0, 0.0, 0
    for first in range(0, len(held_out), _WINDOWS_PER_BATCH):
        batch = held_out[first : first + _WINDOWS_PER_BATCH]
        values = torch.from_numpy(np.stack([window.values for window in batch]))
        masked = torch.from_numpy(random.random(values.shape[:2]) < settings.masked)
        starts = np.array([window.start for window in batch])
        sensors = np.array([data.sensors.index(window.sensor) for window in batch])
        hours = starts[:, None] + np.arange(settings.model.hours)
        mean = torch.from_numpy(calendar[hours % len(calendar), sensors[:, None]])
        size = int(masked.sum())
        model_sum += float(masked_patch_error(model, values, masked)) * size
        calendar_error = (mean.reshape(values.shape) - values)[masked].square().mean()
        calendar_sum += float(calendar_error) * size
        count += size
    return {
        "model": round(model_sum / count, 4),
        "hour_of_week": round(calendar_sum / count, 4),
    }


def hour_of_week(data: Counts) -> NDArray[np.float32]:
    """The mean of every sensor at every hour of the week, in the years not held out.

    Float32 [168, sensors]; hour `i` of the data is row `i % 168`.
    """
    seen = np.where(data.held_out[:, None], np.nan, data.values)
    length = len(seen) // 168 * 168
    means: NDArray[np.float32] = np.nanmean(seen[:length].reshape(-1, 168, seen.shape[1]), axis=0)
    return means
