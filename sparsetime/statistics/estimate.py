"""Estimate: a value, its 95% interval over resampled groups, and the value of a null model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, final

import numpy as np
from jaxtyping import Float, Int

from sparsetime import seeds

RESAMPLES = 500
_GROUPS = 32
_AT_ONCE = 25
_MIDDLE = (0.025, 0.975)

#: From weights of groups to the value, for every draw.
Statistic: TypeAlias = Callable[[Float[np.ndarray, "draws groups"]], Float[np.ndarray, " draws"]]


@final
@dataclass(frozen=True)
class Estimate:
    """The value of a metric, with its uncertainty.

    interval: the middle 95% over resamples of whole sequences. None where there is one sequence
    only (cut a long recording into segments to get one), and where resampling would bias the value.
    null: the value of the same metric where there is nothing to find, NaN where it is undefined.
    null_is: how the null was made, empty for a metric without one. details: settings and counts
    that the value depends on.
    """

    value: float
    interval: tuple[float, float] | None = None
    null: float = float("nan")
    null_is: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def beyond_null(self) -> bool:
        """Whether there is an interval and the null lies outside of it."""
        return self.interval is not None and not (self.interval[0] <= self.null <= self.interval[1])


def estimate(
    statistic: Statistic,
    groups: int,
    null: float = float("nan"),
    null_is: str = "",
    seed: int = 0,
) -> Estimate:
    """The value with all groups once, and its interval with groups drawn with replacement.

    The percentile bootstrap over clusters: Efron 1979, "Bootstrap methods: another look at the
    jackknife"; groups are whole sequences, as steps of one sequence are not independent. Draws in
    which the value is undefined (NaN) are left out.

    Shapes: `statistic` maps weights [draws, groups] to values [draws]. Without a null model leave
    `null` and `null_is` out.
    """
    value = float(statistic(np.ones((1, groups)))[0])
    return Estimate(value, interval(bootstrap(statistic, groups, seed)), null, null_is)


def bootstrap_groups(sequences: int) -> Int[np.ndarray, " sequences"]:
    """The group that each sequence is resampled with: at most 32 groups of neighbours.

    Neighbours go together, since neighbouring documents may be alike.
    """
    groups = min(sequences, _GROUPS)
    return np.arange(sequences) * groups // max(sequences, 1)


def bootstrap(statistic: Statistic, groups: int, seed: int) -> Float[np.ndarray, " draws"]:
    """The value over draws of groups; empty for a single group, of which there is one draw."""
    if groups < 2:
        return np.empty(0)
    weights = bootstrap_weights(groups, RESAMPLES, seed)
    parts = [statistic(weights[i : i + _AT_ONCE]) for i in range(0, RESAMPLES, _AT_ONCE)]
    return np.concatenate(parts)


def bootstrap_weights(groups: int, draws: int, seed: int) -> Float[np.ndarray, "draws groups"]:
    """How often each group is drawn, with as many draws as groups."""
    rng = seeds.numpy_generator(seed, "bootstrap")
    return rng.multinomial(groups, np.full(groups, 1 / groups), size=draws).astype(float)


def interval(values: Float[np.ndarray, " draws"]) -> tuple[float, float] | None:
    """The middle 95% of the finite values; None where there are none."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    low, high = np.quantile(finite, _MIDDLE)
    return float(low), float(high)


def ratio(
    over: Float[np.ndarray, "*shape"], under: Float[np.ndarray, "*shape"]
) -> Float[np.ndarray, "*shape"]:
    """Over / under, NaN where under is 0."""
    out = np.full(np.shape(over), np.nan)
    return np.asarray(np.divide(over, under, out=out, where=np.asarray(under) != 0))


def ratio_of(over: Float[np.ndarray, " groups"], under: Float[np.ndarray, " groups"]) -> Statistic:
    """The statistic sum of `over` by sum of `under`, over the groups."""
    return lambda weights: ratio(weights @ over, weights @ under)


def mean_over_features(
    values: Float[np.ndarray, "draws width"],
) -> Float[np.ndarray, " draws"]:
    """The mean over the features with a finite value; NaN where no feature has one."""
    finite = np.isfinite(values)
    return ratio(np.where(finite, values, 0.0).sum(axis=1), finite.sum(axis=1).astype(float))


def median_over_features(
    values: Float[np.ndarray, "draws width"],
) -> Float[np.ndarray, " draws"]:
    """The median over the features with a finite value; NaN where no feature has one."""
    medians = np.full(len(values), np.nan)
    for draw, row in enumerate(values):
        finite = row[np.isfinite(row)]
        if len(finite):
            medians[draw] = np.median(finite)
    return medians
