"""A figure with its doubt: the interval that chance leaves, and what a null would give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
from jaxtyping import Float

RESAMPLES = 500
_AT_ONCE = 25
_MIDDLE = (0.025, 0.975)

#: From weights of groups to the figure, for every draw.
Statistic: TypeAlias = Callable[[Float[np.ndarray, "draws groups"]], Float[np.ndarray, " draws"]]


@final
@dataclass(frozen=True)
class Estimate:
    """One figure.

    interval: the middle 95% over resamples of whole sequences, None where there is only one (cut
    a long recording into segments to get one). null: what the same measure gives where there is
    nothing to find; null_is: how that was made.
    """

    value: float
    interval: tuple[float, float] | None
    null: float
    null_is: str

    @property
    def beyond_null(self) -> bool:
        """Whether there is an interval and the null lies outside of it."""
        return self.interval is not None and not (self.interval[0] <= self.null <= self.interval[1])


def estimate(
    statistic: Statistic, groups: int, null: float, null_is: str, seed: int = 0
) -> Estimate:
    """The figure with all groups once, and its interval with groups drawn with replacement.

    The percentile bootstrap over clusters: Efron 1979, "Bootstrap methods: another look at the
    jackknife"; groups are whole sequences, as steps of one sequence are not independent. Draws in
    which the figure is not defined (NaN) are passed over.
    """
    value = float(statistic(np.ones((1, groups)))[0])
    return Estimate(value, interval(drawn(statistic, groups, seed)), null, null_is)


def drawn(statistic: Statistic, groups: int, seed: int) -> Float[np.ndarray, " draws"]:
    """The figure over draws of groups; empty for a single group, of which there is one draw."""
    if groups < 2:
        return np.empty(0)
    weights = resampled(groups, RESAMPLES, seed)
    parts = [statistic(weights[i : i + _AT_ONCE]) for i in range(0, RESAMPLES, _AT_ONCE)]
    return np.concatenate(parts)


def resampled(groups: int, draws: int, seed: int) -> Float[np.ndarray, "draws groups"]:
    """How often each group is drawn, where as many are drawn as there are."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(groups, np.full(groups, 1 / groups), size=draws).astype(float)


def interval(values: Float[np.ndarray, " draws"]) -> tuple[float, float] | None:
    """The middle 95%; None where nothing is defined."""
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    low, high = np.quantile(known, _MIDDLE)
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
    """The mean over the features of which the value is defined; NaN where it is of none."""
    known = np.isfinite(values)
    return ratio(np.where(known, values, 0.0).sum(axis=1), known.sum(axis=1).astype(float))
