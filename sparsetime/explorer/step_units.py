"""Steps, durations, rates and sequences in words: in the data's unit of time, steps beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from sparsetime.time_text import duration_text

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.activations.store.stored_sequence import StoredSequence

STEP, DOCUMENT = "step", "document"
_STEPS_IN_TEXT = re.compile(r"\b(\d[\d,]*) steps\b")
_SHORTEST_WORD = 3  # "s", "ms" and "Hz" have no plural
#: Seconds in units of time whose inverse is written in Hz.
_SECONDS = {
    "s": 1.0, "sec": 1.0, "second": 1.0, "ms": 1e-3, "millisecond": 1e-3, "us": 1e-6,
    "\u00b5s": 1e-6, "microsecond": 1e-6, "ns": 1e-9, "nanosecond": 1e-9,
}  # fmt: skip
#: Units of longer times, whose inverse is a rate per unit.
_LONG = ("min", "minute", "h", "hour", "day", "week", "month", "year")


@final
@dataclass(frozen=True)
class StepTime:
    """How long a step lasts: `step` of `unit`, which is written as a plural (seconds, ms)."""

    step: float
    unit: str

    def lasting(self, steps: float) -> str:
        """A number of steps as a duration: 1.5 seconds."""
        return f"{duration_text(steps * self.step)} {self.unit}"

    def with_steps(self, steps: float) -> str:
        """A duration with its steps beside it: 1.5 seconds (15 steps)."""
        return f"{self.lasting(steps)} ({_count(steps)} {STEP}{'s' * (steps != 1)})"

    @property
    def frequency_unit(self) -> tuple[float, str]:
        """The factor from cycles a step to a frequency, and its unit: Hz, or per minute."""
        singular = self.unit.removesuffix("s") if is_name(self.unit) else self.unit
        seconds = _SECONDS.get(singular)
        if seconds is None:
            return 1 / self.step, f"per {singular}"
        return 1 / (self.step * seconds), "Hz"

    def frequency(self, cycles: float) -> str:
        """A number of cycles a step as a frequency: 12.5 Hz, or 4 per minute."""
        factor, unit = self.frequency_unit
        return f"{duration_text(cycles * factor)} {unit}"

    def rate(self, per_step: float) -> str:
        """A number of events a step as events a unit of time: 30 per second."""
        factor, unit = self.frequency_unit
        return f"{duration_text(per_step * factor)} {unit.replace('Hz', 'per second')}"


@final
@dataclass(frozen=True)
class DataWords:
    """What the data of a run are called.

    step: a step, in the singular. time: how long one lasts; None where its name says it.
    sequence: a sequence, in the singular: document, recording or sequence.
    """

    step: str
    time: StepTime | None
    sequence: str

    @property
    def has_text(self) -> bool:
        """Whether there are words and passages to speak of."""
        return self.sequence == DOCUMENT

    @property
    def axis(self) -> str:
        """The unit of an axis: tokens, or seconds (steps of 0.1 seconds)."""
        if self.time is None:
            return f"{self.step}s"
        return f"{self.time.unit} (steps of {self.time.lasting(1)})"

    @property
    def length_of_step(self) -> float:
        """What a number of steps is multiplied with for `axis`."""
        return self.time.step if self.time else 1.0

    def lasting(self, steps: float) -> str:
        """A number of steps: 15 tokens, or 1.5 seconds (15 steps)."""
        if self.time is not None:
            return self.time.with_steps(steps)
        return f"{_count(steps)} {self.step}{'s' * (steps != 1)}"

    def timed(self, text: str) -> str:
        """A text with the time of every number of steps in it: within 3.2 seconds (32 steps)."""
        if self.time is None:
            return text
        return _STEPS_IN_TEXT.sub(lambda match: self.lasting(int(match[1].replace(",", ""))), text)

    def sequences(self, count: int, kind: str = "") -> str:
        """A number of sequences: 12 recordings; kind: such as "held-out"."""
        return f"{count:,} {kind}{' ' * bool(kind)}{self.sequence}{'s' * (count != 1)}"


def words_of(stores: Sequence[Store]) -> DataWords:
    """What the data of these stores are called."""
    return DataWords(step_name(stores), step_time(stores), sequence_name(stores))


def step_name(stores: Sequence[Store]) -> str:
    """What a step of these stores is called, in the singular.

    The unit of their time, such as token, where every step is one of it; otherwise just a step.
    """
    names = {store.unit if _step_of(store) == 1 else STEP for store in stores}
    name = names.pop() if len(names) == 1 else STEP
    return name if is_name(name) else STEP


def sequence_name(stores: Sequence[Store]) -> str:
    """What a sequence of these stores is called, in the singular.

    A document where any has text, a recording where time has a unit of time, else a sequence.
    """
    if any(store.sequences["text"].null_count < store.sequences.num_rows for store in stores):
        return DOCUMENT
    timed = all(
        store.unit.removesuffix("s") in _LONG or store.unit.removesuffix("s") in _SECONDS
        or store.unit in _SECONDS
        for store in stores
    )  # fmt: skip
    return "recording" if timed else "sequence"


def is_name(unit: str) -> bool:
    """Whether a step may be called by its unit: a token or a frame, but not an s or an ms."""
    return len(unit) >= _SHORTEST_WORD


def time_unit(unit: str) -> str:
    """A unit of time as a plural: seconds, ms; empty where time is counted in steps."""
    if unit in (STEP, ""):
        return ""
    return f"{unit}s" if is_name(unit) else unit


def row_clock(stored: StoredSequence) -> tuple[float, float]:
    """The time of the first row and from a row to the next, of evenly spaced rows.

    Of rows with times of their own, the mean distance; 0 rows apart where all share one time.
    """
    if not stored.has_own_times or len(stored) < 2:
        return stored.start, stored.step
    times = stored.times
    return float(times[0]), float(times[-1] - times[0]) / (len(times) - 1) or stored.step


def step_time(stores: Sequence[Store]) -> StepTime | None:
    """How long a step lasts in all of these stores.

    None where they differ, and where the name of a step says it already, as a token's does.
    """
    known = {(_step_of(store), time_unit(store.unit)) for store in stores}
    if len(known) != 1 or step_name(stores) != STEP:
        return None
    step, unit = known.pop()
    return StepTime(step, unit) if step is not None and unit else None


def _count(steps: float) -> str:
    return f"{steps:,}" if isinstance(steps, int) else duration_text(steps)


def _step_of(store: Store) -> float | None:
    """The time from a step to the next where all sequences agree on it."""
    steps = set(store.sequences["step"].to_pylist())
    return float(steps.pop()) if len(steps) == 1 else None
