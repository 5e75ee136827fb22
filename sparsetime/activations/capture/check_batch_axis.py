"""Whether a model's axes are what they seem: batch and time confused still give numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from sparsetime.activations.capture.capture_plan import InputWindow
from sparsetime.errors import DataError, MismatchError

# How far one window's activations may differ with what runs beside it, as a share of their norm:
# sums come in another order then. Taking the wrong axis changes far more.
_TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-3, torch.float16: 2e-2, torch.bfloat16: 5e-2}

Forward = Callable[[list[InputWindow]], dict[str, Tensor]]


def check_axes(forward: Forward, window: InputWindow, alone: dict[str, Tensor], batch: int) -> None:
    """Hold one window's activations [1, time, d] against its own beside itself, and a shorter one.

    Errors: MismatchError naming the site and what to set.
    """
    _check_batch(forward, window, alone, batch)
    if window.length < 2 or all(value.shape[2] % value.shape[1] for value in alone.values()):
        return  # no other axis is as long as time
    try:
        forward([replace(window, end=window.end - 1)])
    except MismatchError:
        raise
    except DataError:  # a model of one length only
        return


def _check_batch(
    forward: Forward, window: InputWindow, alone: dict[str, Tensor], batch: int
) -> None:
    try:
        twice = forward([window, window])
    except MismatchError:
        raise
    except DataError:
        if batch == 1:  # it takes one at a time, and is given one at a time
            return
        raise
    differing = [name for name, value in alone.items() if _differ(twice[name], value)]
    if not differing:
        return
    again = forward([window])  # a model that draws at random differs from itself
    for name in differing:
        if not _differ(again[name], alone[name]):
            raise MismatchError(
                f"the site {name!r} gives other activations for the document "
                f"{window.steps.document.id!r} alone than for the same beside it in a batch: the "
                f"module takes another axis for the batch and mixes documents. Build it with "
                f"batch_first=True where it has that, or let the model swap the axes and set "
                f"time_axis to where time stands at the site"
            )


def _differ(some: Tensor, one: Tensor) -> bool:
    """Whether any of `some` [n, time, d] differs from `one` [1, time, d]."""
    tolerance = _TOLERANCE.get(one.dtype, 1e-3)
    some, one = some.cpu().double(), one.cpu().double()
    error, norm = (some - one).flatten(1).norm(dim=1), one.norm().clamp_min(1e-9)
    return bool((error > tolerance * norm).any())  # never where something is not finite
