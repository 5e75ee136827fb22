"""Co-activation of one feature with all others: at the same step, shortly before, shortly after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from sparsetime.codes import SparseCode

LAG = 5


@final
@dataclass(frozen=True)
class Coactivation:
    """How often every feature is active anywhere, and near one other feature. All are [width].

    chance: share of all steps read. together: share of the steps on which the other is active.
    before, after: share of the other's runs with an active step in the `LAG` steps before the run
    (after it). Blind to why: two features of the same sequences are together more often than by
    chance, also where neither follows the other within them.
    """

    chance: Float[np.ndarray, " width"]
    together: Float[np.ndarray, " width"]
    before: Float[np.ndarray, " width"]
    after: Float[np.ndarray, " width"]


def coactivation(codes: list[SparseCode], feature: int) -> Coactivation:
    """Co-activation of all features with `feature` in these sequences, each of shape (time,)."""
    width = codes[0].width
    on_all, on_with, on_before, on_after = (np.zeros(width) for _ in range(4))
    steps = active_steps = begins = ends = 0
    for code in codes:
        row, indices = code.row_of_entry.numpy(), code.indices.numpy()
        active: Bool[np.ndarray, " time"] = np.zeros(code.rows, dtype=bool)
        active[row[indices == feature]] = True
        start = np.flatnonzero(active & ~np.append(False, active[:-1]))
        stop = np.flatnonzero(active & ~np.append(active[1:], False)) + 1
        steps, active_steps = steps + code.rows, active_steps + int(active.sum())
        begins, ends = begins + len(start), ends + len(stop)
        on_all += np.bincount(indices, minlength=width)
        on_with += np.bincount(indices[active[row]], minlength=width)
        on_before += _active_in(row, indices, start - LAG, start, width)
        on_after += _active_in(row, indices, stop, stop + LAG, width)
    return Coactivation(
        on_all / max(steps, 1),
        on_with / max(active_steps, 1),
        on_before / max(begins, 1),
        on_after / max(ends, 1),
    )


def lift(
    share: Float[np.ndarray, " width"], chance: Float[np.ndarray, " width"]
) -> Float[np.ndarray, " width"]:
    """Weighted log lift, in nats: p log(p / q) where p > q > 0, otherwise 0.

    p is `share`, q is `chance`. log(p / q) is the pointwise mutual information; the weight p keeps
    a feature that was met once from coming first.
    """
    nats = np.zeros(len(share))
    more = (share > chance) & (chance > 0)
    nats[more] = share[more] * np.log(share[more] / chance[more])
    return nats


def chance_within(
    chance: Float[np.ndarray, " width"], steps: int = LAG
) -> Float[np.ndarray, " width"]:
    """Chance of an active step among `steps` independent ones: 1 - (1 - q)^steps."""
    return np.asarray(1 - (1 - chance) ** steps)


def _active_in(
    row: Int[np.ndarray, " entries"],
    indices: Int[np.ndarray, " entries"],
    begin: Int[np.ndarray, " events"],
    end: Int[np.ndarray, " events"],
    width: int,
) -> Float[np.ndarray, " width"]:
    """In how many of the segments [begin, end) each feature is active at least once."""
    low, high = np.searchsorted(row, begin), np.searchsorted(row, end)
    count = high - low
    # Entry numbers of all segments, one after the other, without a loop over the segments.
    event = np.repeat(np.arange(len(begin)), count)
    entry = np.repeat(low - np.cumsum(count) + count, count) + np.arange(count.sum())
    pairs = np.unique(event * width + indices[entry])
    return np.bincount(pairs % width, minlength=width).astype(float)
