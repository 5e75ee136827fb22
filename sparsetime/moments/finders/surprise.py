"""Surprise: spans in which scores stand out of the sequence."""

from __future__ import annotations

from typing import Annotated, final

import numpy as np
from jaxtyping import Int
from pydantic import Field

from sparsetime.components import component
from sparsetime.moments.finders.moment_finder import MomentFinder
from sparsetime.moments.step_scores import StepScores


@final
@component("surprise")
class SurpriseSpans(MomentFinder):
    """Contiguous steps whose robust z-score is at least `least`.

        z_i = (s_i - median) / (1.4826 median |s - median|)

    gap: steps below it that a span bridges. Where there are more spans than the budget, those with
    the largest scores are found.

    Source: Iglewicz and Hoaglin 1993 (modified z-score); of memories: Behrouz et al. 2024, Titans,
    arXiv:2501.00663 (surprise).
    """

    def __init__(
        self,
        least: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 3.5,
        gap: Annotated[int, Field(ge=0, strict=True)] = 1,
    ) -> None:
        super().__init__(least=least, gap=gap)
        self.least, self.gap = least, gap

    def find(self, scores: StepScores, budget: int) -> Int[np.ndarray, "moments 2"]:
        """Spans of steps; all are scored."""
        values = scores.all()
        middle = np.median(values)
        spread = 1.4826 * np.median(np.abs(values - middle))
        marked = np.flatnonzero(values - middle >= self.least * max(float(spread), 1e-12))
        if not len(marked):
            return np.zeros((0, 2), dtype=np.int64)
        cuts = np.flatnonzero(np.diff(marked) > self.gap + 1) + 1
        groups = np.split(marked, cuts)
        spans = np.array([[group[0], group[-1] + 1] for group in groups])
        heights = np.array([values[group].max() for group in groups])
        kept = np.sort(np.argsort(-heights, kind="stable")[:budget])
        return spans[kept]
