"""Warning during training where a dictionary learns nothing: FVU near 1, L0 near 0 or width."""

from __future__ import annotations

import warnings
from typing import final

from sparsetime.dictionaries.dictionary import Dictionary

# Share of training after which a dictionary should explain something; warm-ups are over by then.
_LATE = 0.6
# Lines of the log in a row that must agree: one batch alone may be odd.
_LINES = 2
# Shorter runs are trials; their last step can come before anything is learnt.
_FEWEST_STEPS = 40
_UNEXPLAINED, _EMPTY, _FULL = 0.95, 0.05, 0.9


@final
class LearningCheck:
    """Warns once, after 60% of a training, where two log lines in a row show that it fails.

    A line fails where FVU is at least 0.95, or fewer than 0.05 latents of a row are active, or at
    least 0.9 of all. FVU is left out where the objective is the loss of a model, which a dictionary
    can lower without being near the activations.
    """

    def __init__(self, dictionary: Dictionary, steps: int) -> None:
        self._name, self._width = dictionary.name, dictionary.width
        self._counts_fvu = "downstream" not in dictionary.needs
        self._is_on = steps >= _FEWEST_STEPS
        self._failures = 0

    def observe(self, progress: float, fvu: float, l0: float) -> None:
        """Count one line of the log; progress: fraction of training that is over."""
        if not self._is_on or progress < _LATE:
            return
        problem = self._problem(fvu, l0)
        self._failures = self._failures + 1 if problem else 0
        if self._failures == _LINES:
            self._is_on = False
            warnings.warn(
                f"after {progress:.0%} of its training the dictionary {self._name!r} {problem} "
                f"(FVU {fvu:.2f}, mean L0 {l0:.3g} of {self._width} latents). Change the weight of "
                "its sparsity or its learning rate, or take another recipe",
                stacklevel=2,
            )

    def _problem(self, fvu: float, l0: float) -> str | None:
        if l0 < _EMPTY:
            return "has almost no active latents"
        if l0 >= _FULL * self._width:
            return "has almost all latents active, so its code is not sparse"
        if self._counts_fvu and fvu >= _UNEXPLAINED:
            return "explains almost nothing"
        return None
