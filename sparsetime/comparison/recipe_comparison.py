"""Comparison and ranking of recipes at equal L0 and FVU, with the reason where they are unequal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from sparsetime.comparison.entry import LeaderboardEntry
from sparsetime.comparison.leaderboard_files import Leaderboard
from sparsetime.comparison.matched_sparsity import (
    Axis,
    Frontier,
    FrontierPoint,
    interpolate_frontier,
    matched_comparison,
)
from sparsetime.comparison.reseed_noise import NoisyDifference
from sparsetime.errors import DataError, MismatchError
from sparsetime.statistics.estimate import Estimate

#: Metrics that are compared beside FVU, where a testbed has them.
COMPARED = (
    "smoothness",
    "flicker_share",
    "dwell",
    "half_life_median",
    "recovered_slow",
    "recovered_fast",
    "dwell_agreement",
    "absorption",
)


@final
@dataclass(frozen=True)
class Comparison:
    """One metric of a recipe against the baseline's, on one testbed and at one width.

    axis, level: the axis held equal, and its level. value, baseline: means over seeds there.
    difference: of the recipe less the baseline, seed by seed. noise: the same beside the noise of
    a new seed. reason: why all of these are None.
    """

    bed: str
    width: int
    recipe: str
    metric: str
    axis: Axis | None = None
    level: float | None = None
    value: float | None = None
    baseline: float | None = None
    difference: Estimate | None = None
    noise: NoisyDifference | None = None
    reason: str = ""


@final
@dataclass(frozen=True)
class RecipeRanking:
    """The recipes of one testbed and width by FVU, at one L0 for all.

    l0: the baseline's, with the k in the middle. fvu: of each recipe at that L0, one a seed, read
    off its frontier; best first. left_out: why a recipe has none.
    """

    bed: str
    width: int
    l0: float
    fvu: dict[str, tuple[float, ...]]
    left_out: dict[str, str]


def rankings(board: Leaderboard) -> list[RecipeRanking]:
    """One ranking for every testbed and width."""
    settings = board.settings
    ranked = []
    for bed, width in ((bed, width) for bed in settings.beds for width in settings.widths):
        levels = _levels(board, bed, width)
        fvu: dict[str, tuple[float, ...]] = {}
        left_out: dict[str, str] = {}
        for recipe in settings.recipes:
            frontiers = _frontiers(board, bed, width, recipe, "fvu")
            try:
                read = [
                    interpolate_frontier(recipe, frontier, "l0", levels["l0"])
                    for frontier in frontiers
                ]
            except DataError as error:
                left_out[recipe] = str(error)
            else:
                fvu[recipe] = tuple(point.fvu for point in read)
        best_first = sorted(fvu, key=lambda recipe: float(np.mean(fvu[recipe])))
        ordered = {recipe: fvu[recipe] for recipe in best_first}
        ranked.append(RecipeRanking(bed, width, levels["l0"], ordered, left_out))
    return ranked


def comparisons(board: Leaderboard) -> list[Comparison]:
    """Every metric of every recipe against the baseline's."""
    settings = board.settings
    compared: list[Comparison] = []
    for bed in settings.beds:
        names = {name for entry in board.entries if entry.cell.bed == bed for name in entry.metrics}
        for width in settings.widths:
            levels = _levels(board, bed, width)
            compared.extend(
                _compared(board, bed, width, recipe, metric, levels)
                for metric in COMPARED
                if metric in names
                for recipe in settings.recipes
                if recipe != settings.baseline
            )
    return compared


def _compared(
    board: Leaderboard,
    bed: str,
    width: int,
    recipe: str,
    metric: str,
    levels: Mapping[Axis, float],
) -> Comparison:
    """At equal L0 if FVU is equal there too, otherwise at equal FVU if L0 is."""
    settings = board.settings
    baseline = settings.baseline
    frontiers = {name: _frontiers(board, bed, width, name, metric) for name in (recipe, baseline)}
    reasons = []
    for axis, level in levels.items():
        try:
            read = matched_comparison(frontiers, axis, level, settings.tolerance)
        except (DataError, MismatchError) as error:
            reasons.append(str(error))
            continue
        return Comparison(
            bed,
            width,
            recipe,
            metric,
            axis,
            level,
            read.value(recipe),
            read.value(baseline),
            read.difference(recipe, baseline),
            read.noisy_difference(recipe, baseline),
        )
    return Comparison(bed, width, recipe, metric, reason=reasons[0])


def _levels(board: Leaderboard, bed: str, width: int) -> dict[Axis, float]:
    """Levels at which frontiers are read: the baseline's L0 and FVU at the middle k."""
    middle = board.at_middle_k(bed, width, board.settings.baseline)
    return {
        "l0": float(np.mean([entry.metrics["l0"] for entry in middle])),
        "fvu": float(np.mean([entry.metrics["fvu"] for entry in middle])),
    }


def _frontiers(
    board: Leaderboard, bed: str, width: int, recipe: str, metric: str
) -> list[Frontier]:
    """For each seed the points of its dictionaries that have the metric."""
    return [_points(board.of(bed, width, recipe, seed), metric) for seed in board.settings.seeds]


def _points(entries: Sequence[LeaderboardEntry], metric: str) -> list[FrontierPoint]:
    return [
        FrontierPoint(entry.metrics["l0"], entry.metrics["fvu"], entry.metrics[metric])
        for entry in entries
        if metric in entry.metrics
    ]
