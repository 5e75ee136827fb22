"""Response to an edit by lag: mean over windows with interval, null band, and half-life."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from jaxtyping import Float

from sparsetime.statistics.estimate import RESAMPLES, Estimate, bootstrap_weights, estimate

_MIDDLE = (0.025, 0.975)


@final
@dataclass(frozen=True)
class LagCurve:
    """The mean over windows by lag, and its 95% interval over resampled windows.

    null: [features, lags] of other features, None where none were measured.
    """

    mean: Float[np.ndarray, " lags"]
    low: Float[np.ndarray, " lags"]
    high: Float[np.ndarray, " lags"]
    null: Float[np.ndarray, "features lags"] | None = None

    @staticmethod
    def of(
        values: Float[np.ndarray, "windows lags"],
        seed: int,
        null: Float[np.ndarray, "features lags"] | None = None,
    ) -> LagCurve:
        """The curve of values by window and lag. One window has no interval: it is the mean."""
        mean = values.mean(0)
        if len(values) < 2:
            return LagCurve(mean, mean, mean, null)
        weights = bootstrap_weights(len(values), RESAMPLES, seed)
        low, high = np.quantile(weights @ values / len(values), _MIDDLE, axis=0)
        return LagCurve(mean, low, high, null)

    @property
    def null_band(self) -> tuple[Float[np.ndarray, " lags"], Float[np.ndarray, " lags"]] | None:
        """The middle 95% of the null features at each lag."""
        if self.null is None or not len(self.null):
            return None
        low, high = np.quantile(self.null, _MIDDLE, axis=0)
        return low, high

    def rank(self, lag: int) -> float | None:
        """Share of null features whose value at a lag is at least as large, with itself counted.

        (1 + #{null >= value}) / (1 + #null)
        """
        if self.null is None:
            return None
        return float((1 + (self.null[:, lag] >= self.mean[lag]).sum()) / (1 + len(self.null)))

    def to_record(self) -> dict[str, Any]:
        """The curve as JSON values."""
        band = self.null_band
        return {
            "mean": self.mean.tolist(),
            "low": self.low.tolist(),
            "high": self.high.tolist(),
            "null_low": None if band is None else band[0].tolist(),
            "null_high": None if band is None else band[1].tolist(),
        }


@final
@dataclass(frozen=True)
class Response:
    """The response to an edit of one kind.

    kind: "impulse" (one step), "step" (from a step on), or "release" (lag 0 is the first step
    behind the end of a held edit). divergence: of the output. feature: change of the edited
    feature's activation, before the edit at each step. moved: features of the watched sites whose
    mean activation changes most, with their curves. half_life: of the divergence, in steps.
    relative_norm: mean added norm / norm of the site at edited steps.
    """

    kind: str
    divergence: LagCurve
    feature: LagCurve
    moved: dict[tuple[str, int], Float[np.ndarray, " lags"]] = field(repr=False)
    half_life: Estimate
    relative_norm: float

    def to_record(self) -> dict[str, Any]:
        """The response as JSON values."""
        return {
            "kind": self.kind,
            "divergence": self.divergence.to_record(),
            "feature": self.feature.to_record(),
            "moved": [
                {"site": site, "feature": number, "mean": mean.tolist()}
                for (site, number), mean in self.moved.items()
            ],
            "half_life": self.half_life.value,
            "half_life_interval": self.half_life.interval,
            "half_life_null": _number(self.half_life.null),
            "half_life_censored": bool(self.half_life.details["censored"]),
            "relative_norm": _number(self.relative_norm),
        }


def half_life(
    values: Float[np.ndarray, "windows lags"],
    first: int,
    null: Float[np.ndarray, "features lags"] | None,
    seed: int,
) -> Estimate:
    """Lags from `first` until the mean response is half of that at `first`.

        min { l : r(first + l) <= r(first) / 2 },  linear between two lags

    Where it never falls that far, it is the largest lag, and `details["censored"]` is true. The
    null is the median half-life of other features.
    """
    count = len(values)

    def statistic(weights: Float[np.ndarray, "draws groups"]) -> Float[np.ndarray, " draws"]:
        curves = weights @ values / np.maximum(weights.sum(1, keepdims=True), 1)
        return np.array([_half_life(curve[first:]) for curve in curves])

    others = [] if null is None else [_half_life(curve[first:]) for curve in null]
    found = estimate(
        statistic,
        count,
        float(np.median(others)) if others else float("nan"),
        "median of random features of equal added norm" if others else "",
        seed,
    )
    longest = values.shape[1] - 1 - first
    censored = found.value >= longest
    return Estimate(found.value, found.interval, found.null, found.null_is, {"censored": censored})


def _half_life(curve: Float[np.ndarray, " lags"]) -> float:
    half = curve[0] / 2
    below = np.flatnonzero(curve <= half)
    if curve[0] <= 0 or not len(below):
        return float(len(curve) - 1)
    at = int(below[0])
    before, after = curve[at - 1], curve[at]
    return float(at - 1 + (before - half) / (before - after))


def _number(value: float) -> float | None:
    """None for NaN, which JSON does not have."""
    return None if math.isnan(value) else value
