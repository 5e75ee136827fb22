"""The last steps up to each step, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.errors import ConfigError
from sparsetime.segments import Stretches
from sparsetime.state import State


@final
@dataclass(frozen=True)
class LastSteps(State):
    """The last steps of every stream, [streams, window - 1, d], oldest first; zeros before any."""

    steps: Float[Tensor, "streams before d"]

    def without(self, forgotten: Bool[Tensor, " streams"]) -> LastSteps:
        return LastSteps(self.steps.masked_fill(forgotten[:, None, None], 0.0))


def trailing(
    x: Float[Tensor, "rows d"], stretches: Stretches, window: int, last: LastSteps | None = None
) -> tuple[Float[Tensor, "rows window d"], LastSteps]:
    """For every row the `window` steps that end with it, oldest first, and what goes on from here.

    Where a stretch has not yet so many steps, zeros stand for what would be before it.
    """
    steps, _ = stretches.padded(x)
    before = x.new_zeros(stretches.count, window - 1, x.shape[1]) if last is None else last.steps
    whole = torch.cat([before, steps], 1)
    ends = stretches.lengths[:, None] + torch.arange(window - 1, device=x.device)
    kept = whole.detach().gather(1, ends[..., None].expand(-1, -1, x.shape[1]))
    at = stretches.position[:, None] + torch.arange(window, device=x.device)
    return whole[stretches.of_row[:, None], at], LastSteps(kept)


def checked_window(window: int) -> int:
    """Errors: ConfigError below 2 steps."""
    if window < 2:
        raise ConfigError(
            f"window is how many steps share a code, at least 2; given: {window}. For one step "
            "take the recipe 'topk'"
        )
    return window


def check_long_enough(stretches: Stretches, window: int) -> None:
    """Errors: ConfigError where no stretch holds a whole window."""
    longest = int(stretches.lengths.max()) if stretches.count else 0
    if longest < window:
        raise ConfigError(
            f"a code is of {window} steps, and the longest stretch of this batch has {longest}: "
            f"train on longer sequences with window={4 * window} or so, or make a dictionary of a "
            "smaller window"
        )
