"""The tables of a leaderboard: who stands where, what could be compared, what probes read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, final

import numpy as np
from pydantic import Field

from sparsetime.comparison.rank_stability import rank_stability
from sparsetime.comparison.recipe_comparison import Comparison, comparisons
from sparsetime.comparison.reseed_noise import noisy_difference, reseed_noise
from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.reports.leaderboard_charts import FREQUENT

if TYPE_CHECKING:
    from sparsetime.comparison.leaderboard_files import Leaderboard
    from sparsetime.comparison.recipe_comparison import RecipeRanking

_NOT_REACHED = "not reached"


@final
class Table(FrozenRecord):
    """A table with a heading; rows as `columns` says. notes: lines below it."""

    title: Text
    caption: Text
    columns: list[Text]
    rows: list[list[Text]]
    notes: list[Text] = Field(default=[])


def overview(rankings: Sequence[RecipeRanking]) -> Table:
    """Every testbed and width side by side; recipes by their mean rank."""
    places: dict[str, list[int]] = {}
    for standing in rankings:
        last = len(standing.fvu) + 1
        for rank, recipe in enumerate(standing.fvu, 1):
            places.setdefault(recipe, []).append(rank)
        for recipe in standing.left_out:
            places.setdefault(recipe, []).append(last)
    ordered = sorted(places, key=lambda recipe: float(np.mean(places[recipe])))
    return Table(
        title="FVU at equal L0",
        caption="Unexplained variance of held-out activations, mean over seeds, and the rank in "
        "brackets. In each column all recipes are read at one L0, the baseline's with the k in the "
        "middle; where a frontier does not reach it there is no value. Kendall's tau says whether "
        "another seed would rank them alike: 1 where all seeds agree, about 0 by chance.",
        columns=["recipe", *(f"{ranking.bed}, width {ranking.width:,}" for ranking in rankings)],
        rows=[
            *([recipe, *(_placed(ranking, recipe) for ranking in rankings)] for recipe in ordered),
            ["L0", *(f"{ranking.l0:.1f}" for ranking in rankings)],
            ["Kendall's tau over seeds", *(_tau(ranking) for ranking in rankings)],
        ],
    )


def standing_table(standing: RecipeRanking, seeds: Sequence[int]) -> Table:
    """The recipes by FVU at one L0, seed by seed, and whether the seeds agree on it."""
    agreed = rank_stability(standing.fvu)
    notes = [f"{recipe}: {reason}." for recipe, reason in standing.left_out.items()]
    if agreed.tau is not None:
        notes.insert(
            0,
            f"Kendall's tau between the rankings of two seeds: {agreed.tau:.2f}, mean over "
            f"{agreed.pairs} {'pair' if agreed.pairs == 1 else 'pairs'}; the lowest is "
            f"{agreed.lowest:.2f}.",
        )
    return Table(
        title=f"{standing.bed}, width {standing.width:,}: FVU at L0 {standing.l0:.1f}",
        caption="Read off each frontier at the same L0, best first. Reseed noise is the standard "
        "deviation over seeds; a difference exceeds it where it is larger than that of two "
        "trainings with other seeds, the root of the sum of both squared deviations.",
        columns=[
            *("recipe", "FVU", "reseed noise", "from the recipe above"),
            *(f"seed {seed}" for seed in seeds),
        ],
        rows=_standing_rows(standing),
        notes=notes,
    )


def _standing_rows(standing: RecipeRanking) -> list[list[str]]:
    rows = []
    above: Sequence[float] | None = None
    for recipe, values in standing.fvu.items():
        step = ""
        if above is not None:
            apart = noisy_difference(values, above)
            step = f"{apart.difference:+.4f}, {apart.verdict}"
        row = [recipe, f"{np.mean(values):.4f}", _noise(reseed_noise(values)), step]
        rows.append([*row, *(f"{value:.4f}" for value in values)])
        above = values
    return rows


def against_baseline(board: Leaderboard) -> Table:
    """What can be compared with the baseline, and what cannot, each with its reason."""
    compared = comparisons(board)
    refused: dict[str, list[str]] = {}
    for comparison in compared:
        if comparison.reason:
            place = f"{comparison.recipe} on {comparison.bed}, width {comparison.width:,}"
            names = refused.setdefault(f"{place}: {comparison.reason}", [])
            names.append(comparison.metric)
    baseline = board.settings.baseline
    return Table(
        title=f"Against {baseline}, at equal L0 and FVU",
        caption=f"Both L0 and FVU are equal within {board.settings.tolerance:.0%}, one of them "
        "exactly. The interval is over seeds. Reseed noise is the difference of two trainings that "
        "differ by their seeds alone. Where recipes do not meet, there is no comparison.",
        columns=[
            *("recipe", "testbed", "width", "metric", "at", "value", baseline, "difference"),
            *("reseed noise", "the difference"),
        ],
        rows=[_compared(comparison) for comparison in compared if not comparison.reason],
        notes=[f"{where}. Not compared: {', '.join(names)}." for where, names in refused.items()],
    )


def probes(board: Leaderboard, bed: str) -> Table | None:
    """Every probe at the k in the middle, also of the parts of a code; None without labels."""
    settings = board.settings
    labels = settings.ladder.get(bed, [])
    if not labels:
        return None
    rows = []
    for width in settings.widths:
        for recipe in settings.recipes:
            accuracies: dict[tuple[str, str], list[float]] = {}
            for entry in board.at_middle_k(bed, width, recipe):
                for probe in entry.probes:
                    accuracies.setdefault((probe.reader, probe.label), []).append(probe.accuracy)
            for reader in dict.fromkeys(reader for reader, _ in accuracies):
                part = "" if reader == "code" else f", {reader}"
                shares = [_share(accuracies.get((reader, label), [])) for label in labels]
                rows.append([f"{recipe}{part}", f"{width:,}", *shares])
    references = board.references.get(bed, [])
    for reader in dict.fromkeys(probe.reader for probe in references):
        right = {probe.label: [probe.accuracy] for probe in references if probe.reader == reader}
        rows.append([reader, "", *(_share(right.get(label, [])) for label in labels)])
    if frequent := {probe.label: [probe.baseline] for probe in references}:
        rows.append([FREQUENT, "", *(_share(frequent.get(label, [])) for label in labels)])
    return Table(
        title=f"What a linear probe reads on {bed}, at k {settings.middle_k}",
        caption="Accuracy on held-out blocks of time, mean over seeds; labels from fast to slow. "
        "Equal k is not equal L0: see the frontiers.",
        columns=["reader", "width", *labels],
        rows=rows,
    )


def _placed(standing: RecipeRanking, recipe: str) -> str:
    if recipe not in standing.fvu:
        return _NOT_REACHED
    rank = list(standing.fvu).index(recipe) + 1
    return f"{np.mean(standing.fvu[recipe]):.3f} ({rank})"


def _tau(standing: RecipeRanking) -> str:
    tau = rank_stability(standing.fvu).tau
    return "one seed" if tau is None else f"{tau:.2f}"


def _compared(comparison: Comparison) -> list[str]:
    assert comparison.axis is not None and comparison.level is not None
    assert (
        comparison.value is not None
        and comparison.baseline is not None
        and comparison.difference is not None
        and comparison.noise is not None
    )
    interval = comparison.difference.interval
    span = "" if interval is None else f" [{interval[0]:+.3g}, {interval[1]:+.3g}]"
    return [
        comparison.recipe,
        comparison.bed,
        f"{comparison.width:,}",
        comparison.metric,
        f"{comparison.axis.upper()} {comparison.level:.3g}",
        f"{comparison.value:.3g}",
        f"{comparison.baseline:.3g}",
        f"{comparison.difference.value:+.3g}{span}",
        _noise(comparison.noise.noise),
        comparison.noise.verdict,
    ]


def _noise(noise: float | None) -> str:
    return "one seed" if noise is None else f"{noise:.2g}"


def _share(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3f}" if values else "not measured"
