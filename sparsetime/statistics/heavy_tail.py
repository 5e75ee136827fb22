"""Share of variance that few rows hold, and the warning where it decides sums of squares."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float
from torch import Tensor

TOP = 0.01  # of the rows, those furthest from the mean
_FAR = 5.0  # times as far from the mean as the median row
_FEW = 0.2  # of the rows; more are no tail: data in which most steps are nearly silent
_DECIDES = 0.5  # share of the variance from which on the far rows decide a sum of squares
_FEWEST = 100


def top_share(squares: Float[np.ndarray, " rows"], top: float = TOP) -> float:
    """Share of sum ||x_t - mean||^2 that the `top` share of the rows holds, those with the most.

    squares: ||x_t - mean||^2 of every row. Rows of one length hold `top` itself; NaN without
    variance. At least one row counts.
    """
    total = float(squares.sum())
    if not total > 0:
        return float("nan")
    count = max(1, round(top * len(squares)))
    largest = np.partition(squares, len(squares) - count)[len(squares) - count :]
    return float(largest.sum()) / total


@final
@dataclass(frozen=True)
class FarRows:
    """Rows over five times as far from the mean as the median row.

    rows: their share of all rows; variance: their share of sum ||x_t - mean||^2.
    """

    rows: float
    variance: float

    @staticmethod
    def of(squares: Float[np.ndarray, " rows"]) -> FarRows:
        """squares: ||x_t - mean||^2 of every row."""
        total = float(squares.sum())
        if not total > 0:
            return FarRows(0.0, 0.0)
        far = squares > _FAR**2 * np.median(squares)
        return FarRows(float(far.mean()), float(squares[far].sum()) / total)

    def warn(self, what: str) -> None:
        """Warn where they are at most a fifth of the rows and hold over half of the variance."""
        if self.rows <= _FEW and self.variance > _DECIDES:
            warnings.warn(
                f"{self.rows:.1%} of the activations are over {_FAR:g} times as far from the mean "
                f"as the median one, hold {self.variance:.0%} of the variance, and decide {what}; "
                "leave such steps out with exclude_first=, exclude_tokens= or exclude_norm= of "
                "train (evaluations leave out the same), or scale with robust_scale=True",
                stacklevel=3,
            )


def warn_of_heavy_tail(x: Float[Tensor, "rows d"], what: str) -> None:
    """Warn where few rows hold more than half of the variance; not of fewer than 100 rows."""
    rows = x.detach().double()
    if len(rows) >= _FEWEST:
        FarRows.of((rows - rows.mean(0)).square().sum(1).cpu().numpy()).warn(what)
