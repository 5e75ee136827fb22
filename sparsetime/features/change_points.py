"""Where a sequence turns to something else, by its code alone."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from sparsetime.codes import SparseCode
from sparsetime.features import numba_loops

WINDOW = 24


def boundaries(
    code: SparseCode, scale: Float[np.ndarray, " width"], window: int = WINDOW
) -> Int[np.ndarray, " boundaries"]:
    """The steps before which the active features change most.

    `code` has shape (time,); `scale` weighs features, such as one over their largest strength, 0
    to leave one out. At every step the features of the `window` steps before it are compared with
    those of the `window` steps from it on, by the cosine of their sums. A boundary is the lowest
    cosine within half a window, where it lies deeper below the peaks on both sides than the mean
    depth of all lows. In the manner of TextTiling (Hearst 1997), with features in place of words.
    """
    steps = code.rows
    if steps < 2 * window:
        return np.zeros(0, dtype=np.int64)
    feature = code.indices.cpu().numpy()
    weight = np.abs(code.values.detach().float().cpu().numpy()) * scale[feature]
    offsets = code.offsets.cpu().numpy()
    likeness = numba_loops.likeness(offsets, feature, weight.astype(np.float64), code.width, window)
    lows = _lows(likeness, window // 2)
    if not len(lows):
        return np.zeros(0, dtype=np.int64)
    depth = np.array([_depth(likeness, low) for low in lows.tolist()])
    chosen: Int[np.ndarray, " boundaries"] = window + lows[depth >= depth.mean()]
    return chosen


def _lows(curve: Float[np.ndarray, " places"], reach: int) -> Int[np.ndarray, " lows"]:
    padded = np.pad(curve, reach, constant_values=np.inf)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).min(1)
    found = np.flatnonzero((curve <= around) & (curve < 1))
    return found[np.append(True, np.diff(found) > reach)] if len(found) else found


def _depth(curve: Float[np.ndarray, " places"], low: int) -> float:
    """How far the curve climbs to the peaks on both sides before it falls again, summed."""
    total = 0.0
    for step in (-1, 1):
        at = peak = low
        while 0 <= at + step < len(curve) and curve[at + step] >= curve[peak] - 0.02:
            at += step
            peak = at if curve[at] > curve[peak] else peak
        total += float(curve[peak] - curve[low])
    return total
