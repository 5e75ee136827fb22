"""Base class of finders: which steps or spans of a sequence are moments, given scores."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Int

from sparsetime.component_settings import checked_settings
from sparsetime.components import RegisteredComponent
from sparsetime.moments.step_scores import StepScores


class MomentFinder(RegisteredComponent):
    """A map from scores of a sequence to spans of steps.

    Errors: ConfigError for a setting of another type, or out of range.
    """

    role: ClassVar[str] = "moment_finder"

    def __init__(self, **settings: Any) -> None:
        super().__init__(**checked_settings(f"{self.role} {self.kind!r}", type(self), settings))

    @abstractmethod
    def find(self, scores: StepScores, budget: int) -> Int[np.ndarray, "moments 2"]:
        """First step and stop (exclusive) of at most `budget` moments, in order of time."""


def single_steps(steps: Int[np.ndarray, " n"]) -> Int[np.ndarray, "n 2"]:
    """Spans of one step each, in order."""
    ordered = np.unique(steps)
    return np.stack([ordered, ordered + 1], axis=1)


def even_steps(length: int, count: int) -> Int[np.ndarray, " count"]:
    """The middles of `count` equal parts of a sequence."""
    middles = (np.arange(count) + 0.5) * length / count
    return np.unique(np.minimum(middles.astype(np.int64), length - 1))
