"""Steps and durations in words: steps are steps, and have another name only where it fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from sparsetime.time_text import duration_text

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store

STEP = "step"
_SHORTEST_WORD = 3  # "s", "ms" and "Hz" have no plural


@final
@dataclass(frozen=True)
class StepTime:
    """How long a step lasts: `step` of `unit`, which is written as a plural (seconds, ms)."""

    step: float
    unit: str

    def lasting(self, steps: float) -> str:
        """A number of steps as a duration: 1.5 seconds."""
        return f"{duration_text(steps * self.step)} {self.unit}"


def step_name(stores: Sequence[Store]) -> str:
    """What a step of these stores is called, in the singular.

    The unit of their time, such as token, where every step is one of it; otherwise just a step.
    """
    names = {store.unit if _step_of(store) == 1 else STEP for store in stores}
    name = names.pop() if len(names) == 1 else STEP
    return name if is_name(name) else STEP


def is_name(unit: str) -> bool:
    """Whether a step may be called by its unit: a token or a frame, but not an s or an ms."""
    return len(unit) >= _SHORTEST_WORD


def time_unit(unit: str) -> str:
    """A unit of time as a plural: seconds, ms; empty where time is counted in steps."""
    if unit in (STEP, ""):
        return ""
    return f"{unit}s" if is_name(unit) else unit


def step_time(stores: Sequence[Store]) -> StepTime | None:
    """How long a step lasts in all of these stores.

    None where they differ, and where the name of a step says it already, as a token's does.
    """
    known = {(_step_of(store), time_unit(store.unit)) for store in stores}
    if len(known) != 1 or step_name(stores) != STEP:
        return None
    step, unit = known.pop()
    return StepTime(step, unit) if step is not None and unit else None


def lasting(steps: float, store: Store) -> str:
    """A number of steps in words: 15.0 tokens, or 15.0 steps (0.15 seconds)."""
    duration = step_time([store])
    said = f"{steps:.1f} {step_name([store])}s"
    return said if duration is None else f"{said} ({duration.lasting(steps)})"


def _step_of(store: Store) -> float | None:
    """The time from a step to the next where all sequences agree on it."""
    steps = set(store.sequences["step"].to_pylist())
    return float(steps.pop()) if len(steps) == 1 else None
