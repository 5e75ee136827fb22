"""Change points of a sequence: the steps before which its active features change.

Optimal partitioning into states, under a penalty that is measured from the noise of the sequence.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from sparsetime.codes import SparseCode
from sparsetime.errors import ConfigError
from sparsetime.features import change_point_loops as loops

# Beside the sum of squares of the code: rounding errors of the costs must not pass for a change.
_ROUNDING = 1e-10
_LEFT_OUT = 0.05  # of the steps, those furthest from their neighbours: states of a single step
_TAIL = 3.0  # times log(steps): how rare a false change is under the noise
_LONGEST = 4096  # steps of a state that are compared at once; longer ones are joined afterwards


def boundaries(
    code: SparseCode,
    scale: Float[np.ndarray, " width"],
    window: int = 1,
    penalty: float = 1.0,
) -> Int[np.ndarray, " boundaries"]:
    """The steps before which the active features change, exact to the step.

    `code` has shape (time,); `scale` [width] weighs features, such as one over their largest
    activation value, 0 to leave one out. With y_t the weighed code of step t, the sequence is cut
    into the states s that minimise

        sum_s sum_(t in s) |y_t - mean_s|^2 + beta (number of states)

    over all partitions into states of at least `window` steps. The penalty is the largest gain of a
    false cut under noise of the variances v_i, by the tail of a weighted chi-square:

        beta = penalty (sum_i v_i + 2 sqrt(x sum_i v_i^2) + 2 x max_i v_i),    x = 3 log(time)

    v_i: mean over steps of (y_t,i - y_t',i)^2, t' the neighbouring step whose code is nearer. The
    5% of the steps that are furthest from it are left out, as states of a single step are. Where
    `window` is above 1, blocks of `window` steps stand for steps, so that what lasts less than a
    window counts as noise. Without noise, every change is found, and `penalty` 0 finds every change
    in any case. Where most states last a single step, they are noise by this definition.

    Features that last for some steps, each by itself, are states to a window of 1. `window_beyond`
    gives a window at which they are not.

    Source: optimal partitioning (Jackson et al. 2005, An algorithm for optimal partitioning of data
    on an interval) with the pruning of PELT (Killick, Fearnhead and Eckley 2012); squared distances
    of high-dimensional steps as cost: Arlot, Celisse and Harchaoui 2019, A kernel multiple
    change-point algorithm via model selection; the tail: Laurent and Massart 2000, lemma 1.

    Errors: ConfigError for a window below 1, or a penalty below 0.
    """
    if window < 1 or not penalty >= 0:
        raise ConfigError(
            f"got window={window} and penalty={penalty}, expected a window of at least 1 step and "
            "a penalty of at least 0"
        )
    if code.rows < 2 * window:
        return np.zeros(0, dtype=np.int64)
    feature = code.indices.cpu().numpy().astype(np.int64, copy=False)
    weight = np.abs(code.values.detach().cpu().double().numpy()) * scale[feature]
    kept = weight != 0
    offsets = np.concatenate([[0], np.cumsum(kept)])[code.offsets.cpu().numpy()]
    feature, weight = feature[kept], weight[kept]
    variance = _noise(offsets, feature, weight, code.width, window)
    tail = _TAIL * np.log(code.rows)
    beta = variance.sum() + 2 * np.sqrt(tail * (variance**2).sum())
    beta += 2 * tail * variance.max(initial=0.0)
    beta = max(penalty * beta, _ROUNDING * float((weight**2).sum()))
    found = loops.partition(offsets, feature, weight, code.width, beta, window, _LONGEST)
    return np.asarray(loops.joined(offsets, feature, weight, code.width, beta, found))


def window_beyond(dwell: float) -> int:
    """The window, in steps, at which features of this mean dwell make no change points alone.

    4 (dwell - 1), from 1 to 24: with it, independent two-state chains of 300 features have no false
    change point in 500 steps, at any dwell from 1 to 5.
    """
    return int(np.clip(round(4 * (dwell - 1)), 1, 24)) if np.isfinite(dwell) else 1


def _noise(
    offsets: Int[np.ndarray, " rows_plus_1"],
    features: Int[np.ndarray, " entries"],
    weights: Float[np.ndarray, " entries"],
    width: int,
    window: int,
) -> Float[np.ndarray, " width"]:
    """The variance of every feature between a step and the nearer of its neighbours."""
    if window > 1:
        from scipy.sparse import csr_matrix

        rows = len(offsets) - 1
        block = np.arange(rows) // window
        count = np.bincount(block)
        mean = csr_matrix((1 / count[block] ** 0.5, (block, np.arange(rows))))
        # A sum of `window` steps over its square root has the variance of a step where steps are
        # independent, and more where features last.
        code = mean @ csr_matrix((weights, features, offsets), shape=(rows, width))
        code.sort_indices()
        offsets, features = code.indptr.astype(np.int64), code.indices.astype(np.int64)
        weights = code.data
    steps = len(offsets) - 1
    left_out = int(np.ceil(_LEFT_OUT * steps))
    return np.asarray(loops.noise(offsets, features, weights, width, max(steps - left_out, 0)))
