"""The numbers of one step of Adam."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class AdamStep:
    """The numbers of one step; number counts from 1.

    Source: Kingma and Ba 2015, Adam, arXiv:1412.6980, algorithm 1.
    """

    rate: float
    number: int
    first_decay: float = 0.9
    second_decay: float = 0.999
    epsilon: float = 1e-8

    @property
    def size(self) -> float:
        """The rate over the correction of the first moment's start at zero."""
        return float(self.rate / (1 - self.first_decay**self.number))

    @property
    def second_correction(self) -> float:
        """What the root of the second moment is divided by."""
        return math.sqrt(1 - self.second_decay**self.number)
