"""Top: the steps of largest score."""

from __future__ import annotations

from typing import final

import numpy as np
from jaxtyping import Int

from sparsetime.components import component
from sparsetime.moments.finders.moment_finder import MomentFinder, single_steps
from sparsetime.moments.step_scores import StepScores


@final
@component("top")
class Top(MomentFinder):
    """The steps of largest score, wherever they lie.

        steps = argtop_k s_i,    k = budget

    Source: the usual retrieval of frames, such as Radford et al. 2021, arXiv:2103.00020.
    """

    def find(self, scores: StepScores, budget: int) -> Int[np.ndarray, "moments 2"]:
        """Single steps; all are scored."""
        return single_steps(np.argsort(-scores.all(), kind="stable")[:budget])
