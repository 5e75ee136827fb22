"""Whether another seed would rank the recipes alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import final

import numpy as np

from sparsetime.errors import MismatchError


@final
@dataclass(frozen=True)
class RankStability:
    """How alike the rankings of seeds are.

    tau: Kendall's, mean over pairs of seeds; 1 where all rank alike, 0 on average where ranks are
    of chance. lowest: of any pair. pairs: how many. None where there are not two recipes, or not
    two seeds.
    """

    tau: float | None
    lowest: float | None
    pairs: int


def rank_stability(values: Mapping[str, Sequence[float]]) -> RankStability:
    """Of recipes with a value a seed, seeds in the same order.

    Ties count as in Kendall's tau-b. Source: Kendall 1938, "A new measure of rank correlation".

    Errors: MismatchError where recipes have not as many seeds.
    """
    from scipy.stats import kendalltau

    seeds = {len(each) for each in values.values()}
    if len(seeds) > 1:
        told = ", ".join(f"{name!r} {len(each)}" for name, each in values.items())
        raise MismatchError(
            f"rankings are compared over the same seeds for all recipes; these have: {told}"
        )
    by_seed = np.array(list(values.values()), dtype=float).T
    pairs = list(combinations(by_seed, 2))
    if len(values) < 2 or not pairs:
        return RankStability(None, None, 0)
    taus = [float(kendalltau(one, other).statistic) for one, other in pairs]
    known = [tau for tau in taus if np.isfinite(tau)]
    if not known:
        return RankStability(None, None, 0)
    return RankStability(float(np.mean(known)), min(known), len(known))
