"""What a feature's firing says about something else: the word it stands on, the document it is in.

Everything here reads entries: `feature` [entries] fired where the thing was of `kind` [entries].
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int

_DRAWS = 8
_SIZES = 24


@dataclass(frozen=True)
class ContingencyTable:
    """How often, and how strongly, each feature met each kind; sorted by feature, then kind.

    feature, kind, count: int64 [pairs]; strength: float64 [pairs], summed.
    """

    feature: Int[np.ndarray, " pairs"]
    kind: Int[np.ndarray, " pairs"]
    count: Int[np.ndarray, " pairs"]
    strength: Float[np.ndarray, " pairs"]


def contingency_table(
    feature: Int[np.ndarray, " entries"],
    kind: Int[np.ndarray, " entries"],
    strength: Float[np.ndarray, " entries"],
    kinds: int,
) -> ContingencyTable:
    """Count the pairs of feature and kind."""
    key = feature.astype(np.int64) * kinds + kind
    found, place, count = np.unique(key, return_inverse=True, return_counts=True)
    # Without any entries bincount would give integers.
    total = np.bincount(place, weights=strength, minlength=len(found)).astype(np.float64)
    return ContingencyTable(found // kinds, found % kinds, count, total)


def information(
    pairs: ContingencyTable, share: Float[np.ndarray, " kinds"], width: int
) -> Float[np.ndarray, " width"]:
    """Nats that a feature's firing gives about the kind, above what chance would seem to give.

    The Kullback-Leibler divergence of the kinds it fires on from `share`, the kinds of all steps
    (its "specific surprise": DeWeese and Meister 1999), less the mean divergence of as many steps
    drawn at random. Without that, a feature that fires three times would always seem to know much.
    Near 0 for a feature that fires without regard to the kind; NaN for one that never fires.
    """
    total = np.bincount(pairs.feature, weights=pairs.count, minlength=width)
    part = pairs.count / total[pairs.feature]
    nats = np.bincount(
        pairs.feature, weights=part * np.log(part / share[pairs.kind]), minlength=width
    )
    fires = total > 0
    nats[~fires] = np.nan
    nats[fires] -= chance(total[fires], share)
    return nats


def chance(
    sizes: Float[np.ndarray, " samples"], share: Float[np.ndarray, " kinds"]
) -> Float[np.ndarray, " samples"]:
    """The mean divergence from `share` of a random sample of each size.

    By simulation with a fixed seed at sizes a constant factor apart, and by the straight line in
    the logarithm of the size between them.
    """
    rng = np.random.default_rng(0)
    grid = np.unique(np.geomspace(1, max(2.0, sizes.max(initial=1)), _SIZES).astype(np.int64))
    share = share / share.sum()
    means = np.empty(len(grid))
    for at, size in enumerate(grid):
        part = rng.multinomial(size, share, size=_DRAWS) / size
        drawn, kind = part.nonzero()
        some = part[drawn, kind]
        means[at] = (some * np.log(some / share[kind])).sum() / _DRAWS
    return np.asarray(np.interp(np.log(np.maximum(sizes, 1)), np.log(grid), means))


def over_represented(
    pairs: ContingencyTable, frequency: Float[np.ndarray, " kinds"], width: int, n: int
) -> list[Int[np.ndarray, " few"]]:
    """The up to `n` kinds that stand out most among those a feature fires on, best first.

    With p the kind's share of the feature's summed strength and q its share of all steps
    (one step added to every kind, so that a kind met once does not look certain), the score is
    p log(p / q): the kind's own part of the divergence. Kinds with p <= q are left out.
    """
    q = (frequency + 1) / (frequency.sum() + len(frequency))
    total = np.bincount(pairs.feature, weights=pairs.strength, minlength=width)
    p = pairs.strength / np.maximum(total[pairs.feature], 1e-30)
    score = p * np.log(np.maximum(p, 1e-30) / q[pairs.kind])
    order = np.lexsort((pairs.kind, -score, pairs.feature))
    order = order[score[order] > 0]
    first = np.searchsorted(pairs.feature[order], np.arange(width + 1))
    return [pairs.kind[order[a : min(a + n, b)]] for a, b in pairwise(first)]
