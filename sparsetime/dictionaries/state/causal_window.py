"""The last steps up to each step, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.errors import ConfigError
from sparsetime.segments import Segments
from sparsetime.state import ComponentState


@final
@dataclass(frozen=True)
class PreviousSteps(ComponentState):
    """The last steps of every stream, [streams, window - 1, d], oldest first; zeros before any."""

    steps: Float[Tensor, "streams before d"]

    def reset(self, forgotten: Bool[Tensor, " streams"]) -> PreviousSteps:
        return PreviousSteps(self.steps.masked_fill(forgotten[:, None, None], 0.0))


def trailing(
    x: Float[Tensor, "rows d"], segments: Segments, window: int, last: PreviousSteps | None = None
) -> tuple[Float[Tensor, "rows window d"], PreviousSteps]:
    """The `window` steps that end with every row, oldest first, and the state after the last row.

    Steps before the start of a segment are zero.
    """
    steps, _ = segments.padded(x)
    before = x.new_zeros(segments.count, window - 1, x.shape[1]) if last is None else last.steps
    whole = torch.cat([before, steps], 1)
    ends = segments.lengths[:, None] + torch.arange(window - 1, device=x.device)
    kept = whole.detach().gather(1, ends[..., None].expand(-1, -1, x.shape[1]))
    at = segments.position[:, None] + torch.arange(window, device=x.device)
    return whole[segments.of_row[:, None], at], PreviousSteps(kept)


def checked_window(window: int) -> int:
    """Errors: ConfigError below 2 steps."""
    if window < 2:
        raise ConfigError(
            f"got window={window}, expected at least 2 steps that share a code; for one step take "
            "the recipe 'topk'"
        )
    return window


def check_long_enough(segments: Segments, window: int) -> None:
    """Errors: ConfigError where no segment holds a whole window."""
    longest = int(segments.lengths.max()) if segments.count else 0
    if longest < window:
        raise ConfigError(
            f"a code is of {window} steps, and the longest segment of this batch has {longest}: "
            f"train on longer sequences with window={4 * window} or so, or make a dictionary of a "
            "smaller window"
        )
