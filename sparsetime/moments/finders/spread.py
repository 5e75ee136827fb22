"""Spread: steps of large score that are far from each other, chosen one after another."""

from __future__ import annotations

from typing import Annotated, final

import numpy as np
from jaxtyping import Int
from pydantic import Field

from sparsetime.components import component
from sparsetime.moments.finders.moment_finder import MomentFinder, single_steps
from sparsetime.moments.step_scores import StepScores


@final
@component("spread")
class Spread(MomentFinder):
    """Greedy choice by score and by distance from what was chosen.

        next = argmax_i z_i + weight * min(1, |i - nearest chosen| budget / T)

    z: scores scaled to between 0 and 1. With weight=0 it is "top".

    Source: Yuan et al. 2025, DATE, arXiv:2509.09263 (temporally regularised greedy sampling).
    """

    def __init__(self, weight: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.5) -> None:
        super().__init__(weight=weight)
        self.weight = weight

    def find(self, scores: StepScores, budget: int) -> Int[np.ndarray, "moments 2"]:
        """Single steps; all are scored."""
        values = scores.all()
        scaled = (values - values.min()) / max(float(np.ptp(values)), 1e-12)
        step = np.arange(scores.length)
        nearest = np.full(scores.length, float(scores.length))
        chosen: list[int] = []
        for _ in range(min(budget, scores.length)):
            gain = scaled + self.weight * np.minimum(1.0, nearest * budget / scores.length)
            gain[chosen] = -np.inf
            best = int(gain.argmax())
            chosen.append(best)
            nearest = np.minimum(nearest, np.abs(step - best))
        return single_steps(np.array(chosen, dtype=np.int64))
