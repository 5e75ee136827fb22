"""Check that a model takes batch and time on the expected axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from sparsetime.activations.capture.input_windows import InputWindow
from sparsetime.errors import DataError, MismatchError

# A model that confuses batch and time still returns numbers, so only a comparison finds it. The
# tolerance is relative to the norm: batched sums are taken in another order. Reading the wrong
# axis changes activations far more.
_TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-3, torch.float16: 2e-2, torch.bfloat16: 5e-2}

Forward = Callable[[list[InputWindow]], dict[str, Tensor]]


def check_axes(forward: Forward, window: InputWindow, alone: dict[str, Tensor], batch: int) -> None:
    """Compare a window's activations [1, time, d] with those of a batch of two copies of it.

    A window one step shorter is then run, where another axis is as long as time.

    Errors: MismatchError naming the site and what to set.
    """
    _check_batch(forward, window, alone, batch)
    if window.length < 2 or all(value.shape[2] % value.shape[1] for value in alone.values()):
        return  # no other axis can be mistaken for time
    try:
        forward([replace(window, input_stop=window.input_stop - 1)])
    except MismatchError:
        raise
    except DataError:  # the model accepts one length only
        return


def _check_batch(
    forward: Forward, window: InputWindow, alone: dict[str, Tensor], batch: int
) -> None:
    try:
        twice = forward([window, window])
    except MismatchError:
        raise
    except DataError:
        if batch == 1:  # the capture never runs two windows together
            return
        raise
    differing = [name for name, value in alone.items() if _differ(twice[name], value)]
    if not differing:
        return
    again = forward([window])  # a model with random layers differs from itself
    for name in differing:
        if not _differ(again[name], alone[name]):
            raise MismatchError(
                f"the site {name!r} gives other activations for the document "
                f"{window.prepared.document.id!r} alone than for the same beside it in a batch: "
                f"the module takes another axis for the batch and mixes documents. Build it with "
                f"batch_first=True where it has that, or let the model swap the axes and set "
                f"time_axis to where time stands at the site"
            )


def _differ(batched: Tensor, alone: Tensor) -> bool:
    """Whether any of `several` [n, time, d] differs from `one` [1, time, d]."""
    tolerance = _TOLERANCE.get(alone.dtype, 1e-3)
    batched, alone = batched.cpu().double(), alone.cpu().double()
    error, norm = (batched - alone).flatten(1).norm(dim=1), alone.norm().clamp_min(1e-9)
    return bool(
        (error > tolerance * norm).any()
    )  # False where a value is not finite: that is checked later
