"""Places of EEG channels on the head, from the names of the 10-20 system and its extensions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec

from sparsetime.explorer.records import FrozenRecord, Text

FEWEST = 4  # channels with a place, of which a map can be read
_MONTAGES = ("colin27_1005", "standard_1005")  # its name before and after MNE 1.12
_CENTRE = (0.0, -0.013, 0.0)  # metres; the middle of the electrodes of these montages


class SensorPlaces(FrozenRecord):
    """x and y of every channel seen from above, the nose at the top; None for unknown names.

    The vertex is at (0, 0), and the distance from it is the angle on the head over 90 degrees, so
    ears, nose and inion are about the unit circle. reason: why there is no map; empty otherwise.
    """

    places: tuple[tuple[float, float] | None, ...] = ()
    reason: Text = ""


def sensor_places(channels: Sequence[str], units: Sequence[str] = ()) -> SensorPlaces:
    """The places of channels by their names, as `Fp1`, `EEG Cz` and `O2-REF` are.

    Nothing is said of channels that are no voltages and of which no name is known.

    Source: Oostenveld and Praamstra 2001, The five percent electrode system; positions of MNE.
    """
    are_voltages = any(unit.endswith("V") for unit in units)
    if len(channels) < FEWEST:
        return SensorPlaces()
    if find_spec("mne") is None:
        if not are_voltages:
            return SensorPlaces()
        return SensorPlaces(
            reason='No map of the head: its places are read by mne; install "sparsetime[eeg]".'
        )
    known = _places()
    places = tuple(known.get(_plain(name)) for name in channels)
    count = sum(place is not None for place in places)
    if count < FEWEST:
        if not (count or are_voltages):
            return SensorPlaces()
        return SensorPlaces(
            reason=f"No map of the head: {count} of {len(channels)} channels have names of the "
            "10-20 system, such as Fp1 or Cz."
        )
    return SensorPlaces(places=places)


@lru_cache(maxsize=1)
def _places() -> dict[str, tuple[float, float]]:
    import mne

    built_in = mne.channels.get_builtin_montages()
    name = next(one for one in _MONTAGES if one in built_in)
    positions = mne.channels.make_standard_montage(name).get_positions()["ch_pos"]
    return {_plain(label): _from_above(place.tolist()) for label, place in positions.items()}


def _plain(name: str) -> str:
    """A name without "EEG" before it, its reference behind a minus sign, and case."""
    return name.upper().removeprefix("EEG").strip(" .:_").split("-")[0].strip(" .")


def _from_above(place: Sequence[float]) -> tuple[float, float]:
    x, y, z = (float(at) - middle for at, middle in zip(place, _CENTRE, strict=True))
    angle = math.acos(z / math.sqrt(x * x + y * y + z * z)) / (math.pi / 2)
    flat = math.hypot(x, y) or 1.0
    return round(angle * x / flat, 4), round(angle * y / flat, 4)
