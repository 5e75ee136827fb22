"""Drift: distance of the firing rates of a window from those of a reference, over all features."""

from __future__ import annotations

from typing import final

import numpy as np
from jaxtyping import Float, Int

from sparsetime.codes import SparseCode


@final
class DriftWindows:
    """Counts firings in windows of W steps and measures how far each is from the reference.

        D = mean_i (r_i - p_i)^2 / v_i,   v_i = max(p_i (1 - p_i), 1 / W) / W

    r: share of the steps of the window at which feature i is active; p: the same in the reference.
    D is near 1 where steps are independent and the rates are those of the reference. Real steps are
    not, so what D is usual is measured on held-out windows.
    """

    def __init__(self, reference: Float[np.ndarray, " width"], window: int) -> None:
        self.reference, self.window = reference, window
        self._variance = np.maximum(reference * (1 - reference), 1 / window) / window
        self._counts = np.zeros(len(reference), dtype=np.int64)
        self._steps = 0

    def feed(self, code: SparseCode) -> list[tuple[float, Float[np.ndarray, " width"]]]:
        """D and the rates of every window that the rows complete."""
        finished = []
        start = 0
        while start < code.rows:
            stop = min(start + self.window - self._steps, code.rows)
            self._counts += firings(code.row_slice(start, stop))
            self._steps += stop - start
            if self._steps == self.window:
                rates = self._counts / self.window
                finished.append((self.distance(rates), rates))
                self.reset()
            start = stop
        return finished

    def distance(self, rates: Float[np.ndarray, " width"]) -> float:
        return float(np.mean((rates - self.reference) ** 2 / self._variance))

    def most_changed(self, rates: Float[np.ndarray, " width"], count: int = 5) -> list[int]:
        """The features that contribute most to D."""
        parts = (rates - self.reference) ** 2 / self._variance
        return [int(feature) for feature in np.argsort(-parts, kind="stable")[:count]]

    def reset(self) -> None:
        """Begin a window again, as at the beginning of a recording."""
        self._counts = np.zeros_like(self._counts)
        self._steps = 0


def firings(code: SparseCode) -> Int[np.ndarray, " width"]:
    """How many rows each feature is active at."""
    active = code.indices[code.values != 0].cpu().numpy()
    return np.bincount(active, minlength=code.width)
