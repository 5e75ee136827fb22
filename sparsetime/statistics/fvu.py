"""Fraction of variance unexplained (FVU): of one batch of rows, and summed over many batches."""

from __future__ import annotations

from typing import final

import numpy as np
from jaxtyping import Float
from torch import Tensor

from sparsetime.statistics.estimate import ratio

_NO_VARIANCE = 1e-12  # of the mean square: below it, the difference of the two sums is rounding


def fvu(target: Float[Tensor, "rows d"], residual: Float[Tensor, "rows d"]) -> Float[Tensor, ""]:
    """FVU = sum ||target - reconstruction||^2 / sum ||target - mean(target)||^2 of one batch.

    0 for a perfect reconstruction, 1 for the mean of the batch, above 1 for a worse one. Explained
    variance is 1 - FVU. Source: Gao et al. 2024, Scaling and evaluating sparse autoencoders,
    section 2 (normalised MSE).
    """
    centred = target - target.mean(0)
    return residual.square().sum() / centred.square().sum()


@final
class FvuSums:
    """Sums over batches of rows from which the FVU follows, for groups of rows that are resampled.

    d: width of the rows. groups: number of groups; the interval of an estimate is over these.
    """

    def __init__(self, d: int, groups: int = 1) -> None:
        self._residual = np.zeros(groups)
        self._squares = np.zeros(groups)
        self._rows = np.zeros(groups)
        self._sums = np.zeros((groups, d))
        # Sums are of target - shift, where the shift is the first row. So the difference of two
        # sums in `total` keeps its digits where the mean is far larger than the spread.
        self._shift: Tensor | None = None

    def add(
        self,
        target: Float[Tensor, "rows d"],
        residual: Float[Tensor, "rows d"],
        group: int = 0,
    ) -> None:
        """Add rows of one group; sums are float64."""
        if not len(target):
            return
        exact = target.detach().cpu().double()
        if self._shift is None:
            self._shift = exact[0].clone()
        shifted = exact - self._shift
        self._residual[group] += float(residual.detach().double().square().sum())
        self._squares[group] += float(shifted.square().sum())
        self._sums[group] += shifted.sum(0).numpy()
        self._rows[group] += len(target)

    def statistic(self, weights: Float[np.ndarray, "draws groups"]) -> Float[np.ndarray, " draws"]:
        """The FVU where every group counts as often as its weight; NaN without variance."""
        return ratio(weights @ self._residual, self._total(weights))

    @property
    def value(self) -> float:
        """The FVU of all rows; NaN where they do not vary."""
        return float(self.statistic(np.ones((1, len(self._rows))))[0])

    def _total(self, weights: Float[np.ndarray, "draws groups"]) -> Float[np.ndarray, " draws"]:
        """Sum ||target - mean||^2, about the mean of the draw; NaN where it is rounding."""
        squares = weights @ self._squares
        rows = np.maximum(weights @ self._rows, 1)
        total = squares - ((weights @ self._sums) ** 2).sum(axis=1) / rows
        return np.where(total > _NO_VARIANCE * squares, total, np.nan)
