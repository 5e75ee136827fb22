"""Uniform: steps at equal distances, without regard to scores."""

from __future__ import annotations

from typing import final

import numpy as np
from jaxtyping import Int

from sparsetime.components import component
from sparsetime.moments.finders.moment_finder import MomentFinder, even_steps, single_steps
from sparsetime.moments.step_scores import StepScores


@final
@component("uniform")
class UniformSteps(MomentFinder):
    """The middles of `budget` equal parts.

        step_j = floor((j + 1/2) T / budget)

    Source: the usual sampling of frames, such as Wang et al. 2016, arXiv:1608.00859.
    """

    def find(self, scores: StepScores, budget: int) -> Int[np.ndarray, "moments 2"]:
        """Single steps; these alone are scored."""
        return single_steps(even_steps(scores.length, min(budget, scores.length)))
