"""The learning rate over a run."""

from __future__ import annotations


def rate_factor(step: int, steps: int, warmup: float, decay: float) -> float:
    """Share of the peak learning rate at a step: up in a line, flat, down in a line.

    `warmup` and `decay` are shares of all steps. The first step already moves, and the last one
    still does.
    """
    rising = round(warmup * steps)
    falling = round(decay * steps)
    up = (step + 1) / (rising + 1)
    down = (steps - step) / (falling + 1)
    return min(1.0, up, down)
