"""Settings and bias corrections of one Adam step."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class AdamStep:
    """Settings of one Adam step; `number` counts steps from 1.

    Source: Kingma and Ba 2015, Adam, arXiv:1412.6980, algorithm 1.
    """

    rate: float
    number: int
    first_decay: float = 0.9
    second_decay: float = 0.999
    epsilon: float = 1e-8

    @property
    def size(self) -> float:
        """Learning rate divided by the bias correction of the first moment."""
        return float(self.rate / (1 - self.first_decay**self.number))

    @property
    def second_correction(self) -> float:
        """Square root of the bias correction of the second moment."""
        return math.sqrt(1 - self.second_decay**self.number)
