"""Association of features with categories: the word of a step, its sequence, or its label.

All functions read entries of a code: `feature` [entries] is active on a step of category `kind`
[entries].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import final

import numpy as np
from jaxtyping import Float, Int

from sparsetime import seeds

_DRAWS = 8
_SIZES = 24


@final
@dataclass(frozen=True)
class ContingencyTable:
    """Sparse contingency table of features and categories, sorted by feature, then category.

    feature, kind, count: int64 [pairs]; activation: float64 [pairs], |activation value| summed.
    """

    feature: Int[np.ndarray, " pairs"]
    kind: Int[np.ndarray, " pairs"]
    count: Int[np.ndarray, " pairs"]
    activation: Float[np.ndarray, " pairs"]


def contingency_table(
    feature: Int[np.ndarray, " entries"],
    kind: Int[np.ndarray, " entries"],
    activation: Float[np.ndarray, " entries"],
    kinds: int,
) -> ContingencyTable:
    """Count the entries of every pair of feature and category that occurs."""
    key = feature.astype(np.int64) * kinds + kind
    pairs, place, count = np.unique(key, return_inverse=True, return_counts=True)
    # Without any entries bincount would give integers.
    total = np.bincount(place, weights=activation, minlength=len(pairs)).astype(np.float64)
    return ContingencyTable(pairs // kinds, pairs % kinds, count, total)


@final
@dataclass(frozen=True)
class CategoryDivergence:
    """KL(p || q) of the categories of every feature's active steps; see `information`.

    nats: float64 [width], NaN for a feature that is never active. steps: float64 [width], its
    active steps.
    """

    nats: Float[np.ndarray, " width"]
    steps: Float[np.ndarray, " width"]

    @staticmethod
    def of_pairs(
        pairs: ContingencyTable, share: Float[np.ndarray, " kinds"], width: int
    ) -> CategoryDivergence:
        """share: q, the share of each category among all steps."""
        # Without pairs, bincount gives integers whatever the weights are.
        steps = np.bincount(pairs.feature, weights=pairs.count, minlength=width).astype(float)
        p = pairs.count / steps[pairs.feature]
        terms = p * np.log(p / share[pairs.kind])
        nats = np.bincount(pairs.feature, weights=terms, minlength=width).astype(float)
        nats[steps == 0] = np.nan
        return CategoryDivergence(nats, steps)

    @staticmethod
    def joined(parts: Sequence[CategoryDivergence]) -> CategoryDivergence:
        """Of consecutive ranges of features, as one."""
        return CategoryDivergence(
            np.concatenate([part.nats for part in parts]),
            np.concatenate([part.steps for part in parts]),
        )

    def information(self, share: Float[np.ndarray, " kinds"]) -> Float[np.ndarray, " width"]:
        """The divergence less that of as many random steps."""
        nats, active = self.nats.copy(), self.steps > 0
        nats[active] -= random_divergence(self.steps[active], share)
        return nats


def information(
    pairs: ContingencyTable, share: Float[np.ndarray, " kinds"], width: int
) -> Float[np.ndarray, " width"]:
    """Nats that an active step of a feature gives about the category, above those of random steps.

    With p the shares of the categories among a feature's n active steps, and q = `share` among
    all steps, the information is

        KL(p || q) - E[KL(p_n || q)],    KL(p || q) = sum_k p_k log(p_k / q_k),

    where p_n are the shares among n random steps: the "specific surprise" (DeWeese and Meister
    1999), less its bias. Without the second term a feature with three active steps would always
    seem informative. About 0 for a feature that ignores the category; NaN for a dead one.
    """
    return CategoryDivergence.of_pairs(pairs, share, width).information(share)


def random_divergence(
    sizes: Float[np.ndarray, " samples"], share: Float[np.ndarray, " kinds"]
) -> Float[np.ndarray, " samples"]:
    """Mean divergence E[KL(p_n || q)] of n random steps from their source, for every size n.

    By simulation with a fixed seed at sizes a constant factor apart, and linear in log n between.
    """
    rng = seeds.numpy_generator(0, "random divergence")
    grid = np.unique(np.geomspace(1, max(2.0, sizes.max(initial=1)), _SIZES).astype(np.int64))
    share = share / share.sum()
    means = np.empty(len(grid))
    for at, size in enumerate(grid):
        p = rng.multinomial(size, share, size=_DRAWS) / size
        draw, kind = p.nonzero()
        drawn = p[draw, kind]
        means[at] = (drawn * np.log(drawn / share[kind])).sum() / _DRAWS
    return np.asarray(np.interp(np.log(np.maximum(sizes, 1)), np.log(grid), means))


def over_represented(
    pairs: ContingencyTable, frequency: Float[np.ndarray, " kinds"], width: int, n: int
) -> list[Int[np.ndarray, " few"]]:
    """Up to `n` most over-represented categories of every feature, best first.

    The score is p log(p / q), the category's own term of KL(p || q): p is the category's share of
    the feature's summed |activation value|, q its share of all steps, with one step added to every
    category, so that one met once does not look certain. Categories with p <= q are left out.
    """
    q = (frequency + 1) / (frequency.sum() + len(frequency))
    total = np.bincount(pairs.feature, weights=pairs.activation, minlength=width)
    p = pairs.activation / np.maximum(total[pairs.feature], 1e-30)
    score = p * np.log(np.maximum(p, 1e-30) / q[pairs.kind])
    order = np.lexsort((pairs.kind, -score, pairs.feature))
    order = order[score[order] > 0]
    first = np.searchsorted(pairs.feature[order], np.arange(width + 1))
    return [pairs.kind[order[a : min(a + n, b)]] for a, b in pairwise(first)]
