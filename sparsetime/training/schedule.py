"""Learning-rate schedules: the factor of the peak learning rate at a step."""

from __future__ import annotations


def warmup_stable_decay(step: int, steps: int, warmup: float, decay: float) -> float:
    """Linear rise, constant, linear fall: min(1, (step + 1) / (W + 1), (steps - step) / (D + 1)).

    step: from 0. `warmup` and `decay` are shares of all steps: W = round(warmup * steps), and so D.
    The first step already moves, and the last one still does.
    """
    rising = round(warmup * steps)
    falling = round(decay * steps)
    up = (step + 1) / (rising + 1)
    down = (steps - step) / (falling + 1)
    return min(1.0, up, down)


def warmup_linear_decay(step: int, steps: int, warmup_steps: int) -> float:
    """Linear rise, linear fall to 0: min((step + 1) / W, 1 - (step - W) / (steps - W)).

    step: from 0. W = `warmup_steps`.
    """
    up = min(1.0, (step + 1) / max(1, warmup_steps))
    return min(up, 1 - max(0, step - warmup_steps) / max(1, steps - warmup_steps))
