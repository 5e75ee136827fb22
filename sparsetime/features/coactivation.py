"""Which features keep a feature company: those that fire with it, lead to it, and follow it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from sparsetime.codes import SparseCode

LAG = 5


@dataclass(frozen=True)
class Coactivation:
    """For every feature, how often it fires by chance and near another one. All are [width].

    chance: share of all steps read; together: share of the steps on which the other fires;
    before, after: share of the other's beginnings (ends) with it within `LAG` steps before (after).
    """

    chance: Float[np.ndarray, " width"]
    together: Float[np.ndarray, " width"]
    before: Float[np.ndarray, " width"]
    after: Float[np.ndarray, " width"]


def coactivation(codes: list[SparseCode], feature: int) -> Coactivation:
    """What fires near `feature` in these sequences, each a code of shape (time,)."""
    width = codes[0].width
    on_all, on_with, on_before, on_after = (np.zeros(width) for _ in range(4))
    steps = fires = begins = ends = 0
    for code in codes:
        row, indices = code.row_of_entry.numpy(), code.indices.numpy()
        active = np.zeros(code.rows, dtype=bool)
        active[row[indices == feature]] = True
        start = np.flatnonzero(active & ~np.append(False, active[:-1]))
        stop = np.flatnonzero(active & ~np.append(active[1:], False)) + 1
        steps, fires = steps + code.rows, fires + int(active.sum())
        begins, ends = begins + len(start), ends + len(stop)
        on_all += np.bincount(indices, minlength=width)
        on_with += np.bincount(indices[active[row]], minlength=width)
        on_before += _near(row, indices, start - LAG, start, width)
        on_after += _near(row, indices, stop, stop + LAG, width)
    return Coactivation(
        on_all / max(steps, 1),
        on_with / max(fires, 1),
        on_before / max(begins, 1),
        on_after / max(ends, 1),
    )


def lift(
    share: Float[np.ndarray, " width"], chance: Float[np.ndarray, " width"]
) -> Float[np.ndarray, " width"]:
    """How much a share stands out, in nats: share log(share / chance), 0 where it does not."""
    out = np.zeros(len(share))
    more = (share > chance) & (chance > 0)
    out[more] = share[more] * np.log(share[more] / chance[more])
    return out


def within(chance: Float[np.ndarray, " width"], steps: int = LAG) -> Float[np.ndarray, " width"]:
    """The chance of at least one firing within so many steps, were steps independent."""
    return np.asarray(1 - (1 - chance) ** steps)


def _near(
    row: Int[np.ndarray, " entries"],
    indices: Int[np.ndarray, " entries"],
    begin: Int[np.ndarray, " events"],
    end: Int[np.ndarray, " events"],
    width: int,
) -> Float[np.ndarray, " width"]:
    """In how many of the segments [begin, end) each feature fires at least once."""
    low, high = np.searchsorted(row, begin), np.searchsorted(row, end)
    count = high - low
    event = np.repeat(np.arange(len(begin)), count)
    entry = np.repeat(low - np.cumsum(count) + count, count) + np.arange(count.sum())
    pairs = np.unique(event * width + indices[entry])
    return np.bincount(pairs % width, minlength=width).astype(float)
