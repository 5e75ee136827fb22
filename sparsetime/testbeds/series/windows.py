"""Windows of the counts: random ones for training, adjacent ones for capture and measurement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Shaped
from numpy.typing import NDArray

from sparsetime.testbeds.series.auckland import Counts
from sparsetime.testbeds.series.settings import PatchTransformerSettings


@final
@dataclass(frozen=True, eq=False)
class SeriesWindow:
    """Counts of one sensor over one window, which is held out as a whole or not at all.

    start: hours from the first one of the data to its own. times: beginning of each patch, local.
    values: float32 [patches, hours of a patch].
    """

    sensor: str
    start: int
    times: Shaped[np.ndarray, " patches"]
    values: Float[np.ndarray, "patches hours"]
    held_out: bool


def windows(data: Counts, settings: PatchTransformerSettings) -> Iterator[SeriesWindow]:
    """Adjacent windows, sensor after sensor; those with gaps are left out.

    Each run of held-out years, and of other years, is cut from its beginning; a rest at its end is
    left out.
    """
    starts = window_starts(data, settings.hours)
    all_times, held_out = data.times, data.held_out  # computed for every hour
    for number, sensor in enumerate(data.sensors):
        for start in starts:
            values = data.values[start : start + settings.hours, number]
            if np.isnan(values).any():
                continue
            times = all_times[start : start + settings.hours : settings.patch]
            cut = values.reshape(settings.patches, settings.patch)
            yield SeriesWindow(sensor, start, times, cut, bool(held_out[start]))


def window_starts(data: Counts, hours: int) -> list[int]:
    """The first hours of adjacent windows, none across the border of a held-out part."""
    edges = np.flatnonzero(np.diff(data.held_out)) + 1
    ends = [*edges.tolist(), len(data.values)]
    begins = [0, *edges.tolist()]
    return [
        start
        for begin, end in zip(begins, ends, strict=True)
        for start in range(begin, end - hours + 1, hours)
    ]


def training_windows(data: Counts, hours: int) -> NDArray[np.int64]:
    """Every (sensor, first hour) of a window that is in no part held out and has no gap: [n, 2]."""
    bad = np.isnan(data.values) | data.held_out[:, None]
    pairs: NDArray[np.int64] = np.argwhere(clean_windows(bad, hours).T)
    return pairs


def clean_windows(
    bad: Bool[np.ndarray, "time columns"], hours: int
) -> Bool[np.ndarray, "starts columns"]:
    """Whether the window from each hour on has no bad hour, column by column."""
    before = np.concatenate([np.zeros((1, bad.shape[1]), dtype=np.int64), np.cumsum(bad, axis=0)])
    clean: NDArray[np.bool_] = before[hours:] == before[:-hours]
    return clean
