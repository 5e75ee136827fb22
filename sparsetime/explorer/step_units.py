"""How long something lasts, in words: steps are steps, and have another name only where it fits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store

STEP = "step"
_SHORTEST_WORD = 3  # "s", "ms" and "Hz" have no plural


def step_name(stores: Sequence[Store]) -> str:
    """What a step of these stores is called, in the singular.

    The unit of their time, such as token, where every step is one of it; otherwise just a step.
    """
    names = {store.unit if _step_of(store) == 1 else STEP for store in stores}
    name = names.pop() if len(names) == 1 else STEP
    return name if len(name) >= _SHORTEST_WORD else STEP


def lasting(steps: float, store: Store) -> str:
    """A number of steps in words: 15.0 tokens, or 15.0 steps (0.15 seconds)."""
    name, step = step_name([store]), _step_of(store)
    if name != STEP or step is None or store.unit == STEP:
        return f"{steps:.1f} {name}s"
    unit = f"{store.unit}s" if len(store.unit) >= _SHORTEST_WORD else store.unit
    return f"{steps:.1f} {name}s ({steps * step:.3g} {unit})"


def _step_of(store: Store) -> float | None:
    """The time from a step to the next where all sequences agree on it."""
    steps = set(store.sequences["step"].to_pylist())
    return float(steps.pop()) if len(steps) == 1 else None
