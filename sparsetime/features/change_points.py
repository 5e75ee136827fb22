"""Change points of a sequence: the steps before which its active features change most."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from sparsetime.codes import SparseCode
from sparsetime.features import numba_loops

WINDOW = 24


def boundaries(
    code: SparseCode, scale: Float[np.ndarray, " width"], window: int = WINDOW
) -> Int[np.ndarray, " boundaries"]:
    """The steps before which the active features change most, as TextTiling finds topics.

    `code` has shape (time,); `scale` [width] weighs features, such as one over their largest
    activation value, 0 to leave one out. With a_t the sum of the weighed codes of the `window`
    steps before t, and b_t that of the `window` steps from t on, the similarity is

        s_t = a_t . b_t / (|a_t| |b_t|).

    A boundary is the lowest s within half a window whose depth, the climb to the peaks on both
    sides summed, is at least the mean depth of all such lows (Hearst 1997, "TextTiling", with
    features in place of words).
    """
    steps = code.rows
    if steps < 2 * window:
        return np.zeros(0, dtype=np.int64)
    feature = code.indices.cpu().numpy()
    weight = np.abs(code.values.detach().float().cpu().numpy()) * scale[feature]
    offsets = code.offsets.cpu().numpy()
    weights = weight.astype(np.float64)
    similarity = numba_loops.window_similarity(offsets, feature, weights, code.width, window)
    lows = _lows(similarity, window // 2)
    if not len(lows):
        return np.zeros(0, dtype=np.int64)
    depth = np.array([_depth(similarity, low) for low in lows.tolist()])
    chosen: Int[np.ndarray, " boundaries"] = window + lows[depth >= depth.mean()]
    return chosen


def _lows(curve: Float[np.ndarray, " places"], reach: int) -> Int[np.ndarray, " lows"]:
    padded = np.pad(curve, reach, constant_values=np.inf)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).min(1)
    lows = np.flatnonzero((curve <= around) & (curve < 1))
    return lows[np.append(True, np.diff(lows) > reach)] if len(lows) else lows


def _depth(curve: Float[np.ndarray, " places"], low: int) -> float:
    """Depth of a low: the climb of the curve to its peaks on both sides, summed."""
    total = 0.0
    for step in (-1, 1):
        at = peak = low
        while 0 <= at + step < len(curve) and curve[at + step] >= curve[peak] - 0.02:
            at += step
            peak = at if curve[at] > curve[peak] else peak
        total += float(curve[peak] - curve[low])
    return total
