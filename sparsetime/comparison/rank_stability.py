"""Rank stability: Kendall's tau between the rankings of recipes under different seeds."""

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
    """Agreement of the rankings of seeds.

    tau: Kendall's, mean over pairs of seeds; 1 where all rankings agree, 0 on average for
    random ones. lowest: of any pair. pairs: number of pairs. None where there are fewer than two
    recipes or two seeds.
    """

    tau: float | None
    lowest: float | None
    pairs: int


def rank_stability(values: Mapping[str, Sequence[float]]) -> RankStability:
    """Rank stability of recipes, each with one value per seed, seeds in the same order.

    Ties count as in Kendall's tau-b. Source: Kendall 1938, "A new measure of rank correlation".

    Errors: MismatchError where recipes have not as many seeds.
    """
    from scipy.stats import kendalltau

    seeds = {len(seed_values) for seed_values in values.values()}
    if len(seeds) > 1:
        seed_counts = ", ".join(
            f"{name!r} {len(seed_values)}" for name, seed_values in values.items()
        )
        raise MismatchError(
            f"rankings are compared over the same seeds for all recipes; these have: {seed_counts}"
        )
    by_seed = np.array(list(values.values()), dtype=float).T
    pairs = list(combinations(by_seed, 2))
    if len(values) < 2 or not pairs:
        return RankStability(None, None, 0)
    taus = [float(kendalltau(ranks, other).statistic) for ranks, other in pairs]
    finite_taus = [tau for tau in taus if np.isfinite(tau)]
    if not finite_taus:
        return RankStability(None, None, 0)
    return RankStability(float(np.mean(finite_taus)), min(finite_taus), len(finite_taus))
