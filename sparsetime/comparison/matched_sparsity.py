"""Matched comparison: a metric of several recipes at equal L0 and FVU; unequal ones are refused."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np

from sparsetime.comparison.reseed_noise import NoisyDifference, noisy_difference
from sparsetime.errors import DataError, MismatchError, unknown_name
from sparsetime.metrics.evaluation_report import EvaluationReport
from sparsetime.statistics.estimate import Estimate, estimate, ratio_of

TOLERANCE = 0.05

Axis: TypeAlias = Literal["l0", "fvu"]


@final
@dataclass(frozen=True)
class FrontierPoint:
    """One trained dictionary: its L0, its FVU, and the metric to compare."""

    l0: float
    fvu: float
    value: float

    @staticmethod
    def of(report: EvaluationReport, metric: str) -> FrontierPoint:
        """The point of a report that has `l0`, `fvu` and the metric.

        Errors: UnknownNameError for a metric that is not in the report, or is a histogram.
        """
        numbers = {n: f.value for n, f in report.items() if isinstance(f.value, float | int)}
        for name in ("l0", "fvu", metric):
            if name not in numbers:
                raise unknown_name("metric", name, numbers, report.left_out.get(name, ""))
        return FrontierPoint(numbers["l0"], numbers["fvu"], numbers[metric])


#: The dictionaries of one recipe and seed, trained with several budgets.
Frontier: TypeAlias = Sequence[FrontierPoint]


@final
@dataclass(frozen=True)
class MatchedComparison:
    """A comparison at equal L0 and FVU.

    axis, level: what was held, and where. points: of each recipe a point for every seed, read off
    its frontier at that level.
    """

    axis: Axis
    level: float
    points: dict[str, tuple[FrontierPoint, ...]]

    def value(self, name: str) -> float:
        """The metric of a recipe, mean over its seeds."""
        return float(np.mean([point.value for point in self._of(name)]))

    def difference(self, name: str, other: str, seed: int = 0) -> Estimate:
        """The metric of `name` less that of `other`, seed by seed.

        The interval is over seeds, None for a single one; the null is no difference.
        """
        pairs = zip(self._of(name), self._of(other), strict=True)
        apart = np.array([left.value - right.value for left, right in pairs])
        null_is = "recipes that do not differ"
        return estimate(ratio_of(apart, np.ones(len(apart))), len(apart), 0.0, null_is, seed)

    def noisy_difference(self, name: str, other: str) -> NoisyDifference:
        """The same difference, beside the noise of a new seed."""
        ours, theirs = self._of(name), self._of(other)
        return noisy_difference([p.value for p in ours], [p.value for p in theirs])

    def _of(self, name: str) -> tuple[FrontierPoint, ...]:
        if name not in self.points:
            raise unknown_name("recipe", name, self.points)
        return self.points[name]


def matched_comparison(
    frontiers: Mapping[str, Sequence[Frontier]],
    axis: Axis,
    level: float,
    tolerance: float = TOLERANCE,
) -> MatchedComparison:
    """Every recipe's metric where its L0, or its FVU, is `level`, if the other one is equal.

    frontiers: by recipe, for each seed the points of its dictionaries; seeds in the same order for
    all recipes. Between two points the metric and the other axis follow the straight line over the
    logarithm of the held one. What is held equal is `axis`; on the other axis the recipes' means
    over seeds may differ by the share `tolerance`. Where they differ by more there is no
    comparison, and the error says by how much. A metric that changes with L0 or FVU would only show
    that difference. Comparing at equal sparsity along a frontier: Gao et al. 2024,
    "Scaling and evaluating sparse autoencoders".

    Errors: MismatchError where the other axis is unequal, or recipes have not as many seeds;
    DataError where a frontier does not reach the level, has no points, or is not finite and
    positive.
    """
    seeds = {len(by_seed) for by_seed in frontiers.values()}
    if len(frontiers) < 2 or len(seeds) > 1 or 0 in seeds:
        seed_counts = ", ".join(f"{name!r} {len(by_seed)}" for name, by_seed in frontiers.items())
        raise MismatchError(
            f"a comparison needs two recipes or more with equally many seeds; these have: "
            f"{seed_counts}"
        )
    points = {
        name: tuple(interpolate_frontier(name, frontier, axis, level) for frontier in by_seed)
        for name, by_seed in frontiers.items()
    }
    other = _other(axis)
    means = {
        name: float(np.mean([getattr(point, other) for point in by_seed]))
        for name, by_seed in points.items()
    }
    low, high = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    apart = means[high] / means[low] - 1
    if apart > tolerance:
        raise MismatchError(
            f"at {_name(axis)} {level:g} the {_name(other)} of {high!r} is {means[high]:.4g} and "
            f"that of {low!r} {means[low]:.4g}, {apart:.0%} apart where {tolerance:.0%} is "
            f"allowed; a metric compared there would show the {_name(other)}. Train them to meet "
            f"at another level, or hold the {_name(other)} instead"
        )
    return MatchedComparison(axis, level, points)


def interpolate_frontier(name: str, frontier: Frontier, axis: Axis, level: float) -> FrontierPoint:
    """The point of one frontier where its L0, or its FVU, is `level`.

    Between two dictionaries everything follows the straight line over the logarithm of that axis.

    Errors: DataError where the frontier of `name` does not reach the level, has no points, or is
    not finite and positive.
    """
    if not frontier:
        raise DataError(f"a frontier of {name!r} has no points")
    for point in frontier:
        finite = all(map(math.isfinite, (point.l0, point.fvu, point.value)))
        if not finite or min(point.l0, point.fvu) <= 0:
            raise DataError(
                f"{name!r} has the point {point}; L0 and FVU must be above 0, all finite"
            )
    ordered = sorted(frontier, key=lambda point: float(getattr(point, axis)))
    at = np.array([getattr(point, axis) for point in ordered])
    if not at[0] <= level <= at[-1]:
        raise DataError(
            f"the frontier of {name!r} reaches from {_name(axis)} {at[0]:.4g} to {at[-1]:.4g}, and "
            f"{level:g} is outside; train more budgets, or compare inside"
        )

    def along(field: str) -> float:
        values = [getattr(point, field) for point in ordered]
        return float(np.interp(math.log(level), np.log(at), values))

    held = {axis: level, _other(axis): along(_other(axis))}
    return FrontierPoint(held["l0"], held["fvu"], along("value"))


def _other(axis: Axis) -> Axis:
    return "fvu" if axis == "l0" else "l0"


def _name(axis: Axis) -> str:
    return {"l0": "L0", "fvu": "FVU"}[axis]
