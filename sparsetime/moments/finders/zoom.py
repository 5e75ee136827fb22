"""Zoom: coarse to fine, with scores of a small share of the steps."""

from __future__ import annotations

from typing import Annotated, final

import numpy as np
from jaxtyping import Int
from pydantic import Field

from sparsetime.components import component
from sparsetime.moments.finders.moment_finder import MomentFinder, even_steps, single_steps
from sparsetime.moments.step_scores import StepScores


@final
@component("zoom")
class Zoom(MomentFinder):
    """A coarse grid, then steps between the neighbours of those that score best.

        next = middle of the gap with the largest max(s_left, s_right) among gaps of 2 and more

    share: of the steps that are scored at most; coarse: share of these that are in the first grid.
    Found are the best-scoring steps, none nearer than `apart` to a better one.

    Source: Ye et al. 2025, T*, arXiv:2504.02259 (iterative zooming-in over time).
    """

    def __init__(
        self,
        share: Annotated[float, Field(gt=0, le=1)] = 0.1,
        coarse: Annotated[float, Field(gt=0, le=1)] = 0.5,
        apart: Annotated[int, Field(ge=1, strict=True)] = 2,
    ) -> None:
        super().__init__(share=share, coarse=coarse, apart=apart)
        self.share, self.coarse, self.apart = share, coarse, apart

    def find(self, scores: StepScores, budget: int) -> Int[np.ndarray, "moments 2"]:
        """Single steps, at most `budget`; `share` of all steps are scored."""
        most = max(2, int(self.share * scores.length))
        known = list(even_steps(scores.length, max(2, int(self.coarse * most))))
        while len(known) < most:
            steps = np.array(known)
            values = scores.at(steps)
            gaps = np.diff(steps)
            worth = np.where(gaps >= 2, np.maximum(values[:-1], values[1:]), -np.inf)
            if not np.isfinite(worth).any():
                break
            # Of gaps beside one step, the wider one first.
            best = int(np.lexsort((gaps, worth))[-1])
            known.insert(best + 1, int(steps[best] + gaps[best] // 2))
        steps = np.array(known)
        values = scores.at(steps)
        chosen: list[int] = []
        for place in np.argsort(-values, kind="stable"):
            if len(chosen) == budget:
                break
            if all(abs(int(steps[place]) - one) >= self.apart for one in chosen):
                chosen.append(int(steps[place]))
        return single_steps(np.array(chosen, dtype=np.int64))
