"""Recording: sampling rate, channels, date and file of an input, as its document describes it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, final

from sparsetime.errors import DataError, MismatchError

_SHOWN = 3


@final
@dataclass(frozen=True)
class InputFile:
    """The file that holds the values of a document, which a store refers to in place of a copy.

    reader: the kind of file, one of `sparsetime.activations.store.input_files.READERS`. settings:
    what that reader needs beside the path, as JSON values, such as a stream or a first sample.
    """

    path: str
    reader: str = "npy"
    settings: Mapping[str, Any] = field(default_factory=dict)


@final
@dataclass(frozen=True)
class Recording:
    """Facts about a recorded input.

    rate: steps a second (Hz). Where it is given, the steps of the document are 1 / rate seconds.
    channels: names of the features of a step, in order. units: of each channel, such as "uV".
    date: when the recording began, as ISO 8601 text. file: where the values are, of which a store
    with `keep_input` keeps a reference; None where they are in memory alone.

    Errors: DataError for a rate that is not positive, names that come twice, units that do not fit
    the channels, or another date.
    """

    rate: float | None = None
    channels: Sequence[str] = ()
    units: Sequence[str] = ()
    date: str = ""
    file: InputFile | None = None

    @property
    def describes(self) -> bool:
        """Whether it says more than where the values are."""
        return bool(self.rate or self.channels or self.units or self.date)

    def __post_init__(self) -> None:
        vars(self).update(channels=tuple(self.channels), units=tuple(self.units))
        if self.rate is not None and not (math.isfinite(self.rate) and self.rate > 0):
            raise DataError(f"got rate={self.rate}, expected steps a second above 0")
        twice = [name for name in self.channels if self.channels.count(name) > 1]
        if twice:
            raise DataError(f"got the channel {twice[0]!r} twice; give every channel its own name")
        if self.units and len(self.units) != len(self.channels):
            raise DataError(
                f"got {len(self.units)} units for {len(self.channels)} channels; give one for each "
                "channel"
            )
        try:
            datetime.fromisoformat(self.date or "2000-01-01")
        except ValueError as error:
            raise DataError(
                f"got date={self.date!r}, expected ISO 8601, such as '2026-03-01T09:30:00'"
            ) from error


def check_recordings_agree(
    name: str, recording: Recording | None, first_name: str, first: Recording | None, rate: bool
) -> None:
    """Check that a document has the channels and the sampling rate of the first one.

    rate: whether the sampling rates may differ, since the rate of the rows is given.

    Errors: MismatchError naming both documents and what differs.
    """
    own, expected = recording or Recording(), first or Recording()
    if own.channels != expected.channels:
        raise MismatchError(
            f"the document {name!r} has {_channels(own, expected)}, the first one, {first_name!r}, "
            f"has {_channels(expected, own)}; give the same channels in the same order"
        )
    if own.units != expected.units:
        raise MismatchError(
            f"the document {name!r} has the units {list(own.units)}, the first one, "
            f"{first_name!r}, has {list(expected.units)}; convert the values to one unit"
        )
    if own.rate != expected.rate and not rate:
        raise MismatchError(
            f"the document {name!r} has {_hertz(own.rate)}, the first one, {first_name!r}, has "
            f"{_hertz(expected.rate)}; resample them to one rate, or give rate=, the rows a second "
            "that the model makes of either"
        )


def _channels(own: Recording, other: Recording) -> str:
    if not own.channels:
        return "no names of channels"
    differing = [name for name in own.channels if name not in other.channels]
    shown = differing or list(own.channels)
    names = ", ".join(map(repr, shown[:_SHOWN])) + (", …" if len(shown) > _SHOWN else "")
    what = "the channel" if len(shown) == 1 else "the channels"
    order = "" if differing else " in this order"
    return f"{what} {names}{order}"


def _hertz(rate: float | None) -> str:
    return "no sampling rate" if rate is None else f"a sampling rate of {rate:g} Hz"
