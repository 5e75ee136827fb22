"""Random windows of the pedestrian counts, of single sensors or of all at once."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from sparsetime import seeds
from sparsetime.errors import DataError
from sparsetime.testbeds.series.auckland import Counts, counts
from sparsetime.testbeds.series.windows import clean_windows

_MOST_GAPS = 0.02  # share of hours that a sensor of `city_windows` may lack


def street_windows(
    hours: int, count: int, seed: int, held_out: bool = False
) -> Float[Tensor, "windows hours 1"]:
    """Windows of one sensor each, with no gap, within years that are held out, or that are not.

    Sensor and first hour are drawn uniformly. Values are standardised as in `counts`.

    Errors: DataError where the counts have no such window; those of `counts`.
    """
    data = counts()
    bad = np.isnan(data.values) | (data.held_out != held_out)[:, None]
    chosen = _drawn(clean_windows(bad, hours), count, seed, "one sensor", held_out)
    steps = chosen[:, :1] + np.arange(hours)
    return torch.from_numpy(data.values[steps, chosen[:, 1:]])[..., None]


def city_windows(
    hours: int, count: int, seed: int, held_out: bool = False
) -> Float[Tensor, "windows hours sensors"]:
    """Windows of all sensors that lack at most 2% of the hours, at the same hours.

    Errors: as `street_windows`.
    """
    data = counts()
    values = data.values[:, _complete(data)]
    bad = np.isnan(values).any(1) | (data.held_out != held_out)
    chosen = _drawn(clean_windows(bad[:, None], hours), count, seed, "all sensors", held_out)
    return torch.from_numpy(values[chosen[:, :1] + np.arange(hours)])


def _complete(data: Counts) -> NDArray[np.intp]:
    return np.flatnonzero(np.isnan(data.values).mean(0) <= _MOST_GAPS)


def _drawn(
    clean: NDArray[np.bool_],
    count: int,
    seed: int,
    what: str,
    held_out: bool,
) -> NDArray[np.intp]:
    """First hour and column of `count` windows."""
    starts = np.argwhere(clean)
    if not len(starts):
        raise DataError(
            f"got no window of {what} without a gap, expected at least one; give fewer hours"
        )
    random = seeds.numpy_generator(seed, "street windows", what, int(held_out))
    return starts[random.integers(len(starts), size=count)]
