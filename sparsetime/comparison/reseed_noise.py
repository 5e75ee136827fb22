"""Reseed noise: how far trainings differ by their seed alone, and which differences exceed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np


@final
@dataclass(frozen=True)
class NoisyDifference:
    """The difference of two recipes, beside that of two trainings which differ by their seeds.

    difference: of the means over seeds. noise: its size between two single trainings if both
    recipes were equally good, sqrt(s_a² + s_b²) with the standard deviations over seeds; None
    where a recipe has one seed.
    """

    difference: float
    noise: float | None

    @property
    def exceeds(self) -> bool | None:
        """Whether the difference is larger than the noise; None where the noise is unknown."""
        return None if self.noise is None else abs(self.difference) > self.noise

    @property
    def verdict(self) -> str:
        """The same in words, for tables."""
        words = {True: "exceeds noise", False: "within noise", None: "one seed"}
        return words[self.exceeds]


def reseed_noise(values: Sequence[float]) -> float | None:
    """Standard deviation over seeds (n - 1 in the denominator); None for fewer than two seeds."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def noisy_difference(values: Sequence[float], others: Sequence[float]) -> NoisyDifference:
    """The mean of the values of one recipe less that of another, a value a seed."""
    noise, other = reseed_noise(values), reseed_noise(others)
    both = None if noise is None or other is None else float(np.hypot(noise, other))
    return NoisyDifference(float(np.mean(values) - np.mean(others)), both)
