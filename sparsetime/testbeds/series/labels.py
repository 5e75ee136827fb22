"""Labels of the series testbed: hour, weekday, season, lockdown; district of a sensor."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from jaxtyping import Shaped

Column: TypeAlias = list[str] | list[int] | list[bool]

#: From the fastest label to the slowest; `sensor` and `district` are of a whole sequence.
LADDER = ("hour", "weekday", "weekend", "alert", "lockdown", "season", "sensor", "district")

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SEASONS = ("summer", "autumn", "winter", "spring")  # of the southern hemisphere, from December

#: When Auckland's COVID-19 alert level changed, and to what; public record of the New Zealand
#: government. At levels 3 and 4 stay-at-home orders applied.
ALERTS = (
    ("2020-03-21T12", 2), ("2020-03-23T13", 3), ("2020-03-26T00", 4), ("2020-04-28T00", 3),
    ("2020-05-14T00", 2), ("2020-06-09T00", 1), ("2020-08-12T12", 3), ("2020-08-31T00", 2),
    ("2020-10-08T00", 1), ("2021-02-15T00", 3), ("2021-02-18T00", 2), ("2021-02-23T00", 1),
    ("2021-02-28T06", 3), ("2021-03-07T06", 2), ("2021-03-12T12", 1), ("2021-08-18T00", 4),
    ("2021-09-22T00", 3), ("2021-12-03T00", 0),
)  # fmt: skip

_DISTRICTS = {
    "waterfront": ("107 Quay Street", "188 Quay Street", "Te Ara Tahuhu Walkway"),
    "lower Queen Street": (
        "Commerce Street West", "7 Custom Street East", "45 Queen Street", "30 Queen Street",
    ),
    "mid-city": (
        "19 Shortland Street", "2 High Street", "1 Courthouse Lane", "61 Federal Street",
        "59 High Street",
    ),
    "upper Queen Street": (
        "210 Queen Street", "205 Queen Street", "8 Darby Street", "261 Queen Street",
        "297 Queen Street",
    ),
    "Karangahape Road": ("150 K Road", "183 K Road"),
}  # fmt: skip


def step_labels(times: Shaped[np.ndarray, " steps"]) -> dict[str, Column]:
    """The labels of steps that begin at these local times, each a list of that length.

    hour: 0 to 23. weekday, weekend, season: by the calendar. alert: the level, 0 for none;
    lockdown: whether it is 3 or 4.
    """
    hours = times.astype("datetime64[h]").astype(np.int64)
    weekday = (hours // 24 + 3) % 7  # the first of January 1970 was a Thursday
    month = times.astype("datetime64[M]").astype(np.int64) % 12 + 1
    changes = np.array([time for time, _ in ALERTS], dtype="datetime64[h]")
    levels = np.array([0, *(level for _, level in ALERTS)])
    alert = levels[np.searchsorted(changes, times, side="right")]
    return {
        "hour": (hours % 24).tolist(),
        "weekday": [_WEEKDAYS[day] for day in weekday],
        "weekend": (weekday >= 5).tolist(),
        "season": [_SEASONS[month_ % 12 // 3] for month_ in month.tolist()],
        "alert": alert.tolist(),
        "lockdown": (alert >= 3).tolist(),
    }


def district(sensor: str) -> str:
    """The part of the centre that a sensor is in; "elsewhere" for an unlisted one."""
    for name, sensors in _DISTRICTS.items():
        if sensor.startswith(sensors):
            return name
    return "elsewhere"
