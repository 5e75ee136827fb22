"""StepScores: scores of the steps of a sequence, each computed when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from sparsetime.errors import DataError


@final
class StepScores:
    """Scores of `length` steps, of which a search computes only those that it asks for.

    score: from steps, ascending, to their scores.
    """

    def __init__(
        self, length: int, score: Callable[[Int[np.ndarray, " n"]], Float[np.ndarray, " n"]]
    ) -> None:
        self.length = length
        self._score = score
        self._known = np.full(length, np.nan)

    def at(self, steps: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """The scores of some steps.

        Errors: DataError for a score that is not finite, and for another number of scores.
        """
        wanted = np.unique(steps[np.isnan(self._known[steps])])
        if len(wanted):
            scores = np.asarray(self._score(wanted), dtype=np.float64)
            if scores.shape != wanted.shape:
                raise DataError(
                    f"got scores of shape {list(scores.shape)} for {len(wanted)} steps, expected "
                    "one for each"
                )
            if not np.isfinite(scores).all():
                bad = int(wanted[np.flatnonzero(~np.isfinite(scores))[0]])
                raise DataError(f"got a score that is not finite at step {bad}, expected numbers")
            self._known[wanted] = scores
        found: NDArray[np.float64] = self._known[steps]
        return found

    def all(self) -> Float[np.ndarray, " time"]:
        """The scores of all steps."""
        return self.at(np.arange(self.length))

    @property
    def scored(self) -> int:
        """How many steps have been scored."""
        return int((~np.isnan(self._known)).sum())
