"""Recipes side by side, at equal L0 and FVU; where these are unequal, why they are not compared."""

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
from sparsetime.errors import DataError, MismatchError
from sparsetime.statistics.estimate import Estimate

#: What is compared, beside FVU; of these, those that a testbed has.
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
    """One figure of a recipe against the baseline's, on one testbed and at one width.

    axis, level: what was held equal, and where. value, baseline: means over seeds at that level.
    difference: of the recipe less the baseline, seed by seed. reason: why all of these are None.
    """

    bed: str
    width: int
    recipe: str
    figure: str
    axis: Axis | None = None
    level: float | None = None
    value: float | None = None
    baseline: float | None = None
    difference: Estimate | None = None
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
    """Every testbed and width."""
    settings = board.settings
    found = []
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
        found.append(RecipeRanking(bed, width, levels["l0"], ordered, left_out))
    return found


def comparisons(board: Leaderboard) -> list[Comparison]:
    """Every figure of every recipe against the baseline's."""
    settings = board.settings
    found: list[Comparison] = []
    for bed in settings.beds:
        names = {name for entry in board.entries if entry.cell.bed == bed for name in entry.figures}
        for width in settings.widths:
            levels = _levels(board, bed, width)
            found.extend(
                _compared(board, bed, width, recipe, figure, levels)
                for figure in COMPARED
                if figure in names
                for recipe in settings.recipes
                if recipe != settings.baseline
            )
    return found


def _compared(
    board: Leaderboard,
    bed: str,
    width: int,
    recipe: str,
    figure: str,
    levels: Mapping[Axis, float],
) -> Comparison:
    """At equal L0 where FVU is equal too, or else at equal FVU where L0 is."""
    settings = board.settings
    baseline = settings.baseline
    frontiers = {name: _frontiers(board, bed, width, name, figure) for name in (recipe, baseline)}
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
            figure,
            axis,
            level,
            read.value(recipe),
            read.value(baseline),
            read.difference(recipe, baseline),
        )
    return Comparison(bed, width, recipe, figure, reason=reasons[0])


def _levels(board: Leaderboard, bed: str, width: int) -> dict[Axis, float]:
    """Where frontiers are read: at the baseline's L0 and FVU with the k in the middle."""
    middle = board.at_middle_k(bed, width, board.settings.baseline)
    return {
        "l0": float(np.mean([entry.figures["l0"] for entry in middle])),
        "fvu": float(np.mean([entry.figures["fvu"] for entry in middle])),
    }


def _frontiers(
    board: Leaderboard, bed: str, width: int, recipe: str, figure: str
) -> list[Frontier]:
    """For each seed the points of its dictionaries that have the figure."""
    return [_points(board.of(bed, width, recipe, seed), figure) for seed in board.settings.seeds]


def _points(entries: Sequence[LeaderboardEntry], figure: str) -> list[FrontierPoint]:
    return [
        FrontierPoint(entry.figures["l0"], entry.figures["fvu"], entry.figures[figure])
        for entry in entries
        if figure in entry.figures
    ]
