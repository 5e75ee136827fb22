"""The page of a leaderboard: its pictures, who stands where, and what could be compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, final

import numpy as np

from sparsetime.evaluation.leaderboard.compared import Comparison, comparisons, standings
from sparsetime.evaluation.leaderboard.ranks import stability
from sparsetime.explorer.charts import chart_svg
from sparsetime.explorer.leaderboard_charts import charts
from sparsetime.explorer.page import Chart, Record, Text
from sparsetime.explorer.rendered import rendered

if TYPE_CHECKING:
    from sparsetime.evaluation.leaderboard.board import Leaderboard
    from sparsetime.evaluation.leaderboard.compared import Standing


@final
class Table(Record):
    """A table with a heading; rows as `columns` says. notes: lines below it."""

    title: Text
    caption: Text
    columns: list[Text]
    rows: list[list[Text]]
    notes: list[Text]


@final
class LeaderboardPage(Record):
    """Everything on the page."""

    title: Text
    lead: Text
    charts: list[Chart]
    tables: list[Table]
    facts: list[tuple[Text, Text]]


def leaderboard_page(board: Leaderboard) -> LeaderboardPage:
    """What the page of a leaderboard shows."""
    settings = board.settings
    train = settings.train
    return LeaderboardPage(
        title="Leaderboard",
        lead=f"{len(board.entries)} dictionaries of {len(settings.recipes)} recipes, each trained "
        f"on {train.rows:,} rows in the same order, and measured on sequences that none of them "
        "was trained on.",
        charts=charts(board),
        tables=[
            *(_standing(standing, settings.seeds) for standing in standings(board)),
            _comparisons(board),
            _probes(board),
        ],
        facts=[
            ("testbeds", ", ".join(settings.beds)),
            ("widths", ", ".join(f"{width:,}" for width in settings.widths)),
            ("k", ", ".join(map(str, settings.ks))),
            ("seeds", ", ".join(map(str, settings.seeds))),
            ("batch", f"{train.batch:,}"),
            ("held out", f"{settings.held_out:.0%}"),
        ],
    )


def leaderboard_html(board: Leaderboard) -> str:
    """The page as HTML. Names are escaped everywhere; nothing is fetched."""
    from markupsafe import Markup

    page = leaderboard_page(board)
    charts = [(chart, Markup(chart_svg(chart))) for chart in page.charts]
    return rendered("leaderboard.html.j2", page=page, charts=charts)


def _standing(standing: Standing, seeds: Sequence[int]) -> Table:
    """The recipes by FVU at one L0, and whether the seeds agree on it."""
    agreed = stability(standing.fvu)
    notes = [f"{recipe}: {reason}." for recipe, reason in standing.left_out.items()]
    if agreed.tau is not None:
        notes.insert(
            0,
            f"Kendall's tau between the rankings of two seeds: {agreed.tau:.2f}, mean over "
            f"{agreed.pairs} pairs; the lowest is {agreed.lowest:.2f}.",
        )
    return Table(
        title=f"{standing.bed}, width {standing.width:,}: FVU at L0 {standing.l0:.1f}",
        caption="Read off each frontier at the same L0, best first.",
        columns=["recipe", "FVU", *(f"seed {seed}" for seed in seeds)],
        rows=[
            [recipe, f"{np.mean(values):.4f}", *(f"{value:.4f}" for value in values)]
            for recipe, values in standing.fvu.items()
        ],
        notes=notes,
    )


def _comparisons(board: Leaderboard) -> Table:
    """What can be compared with the baseline, and what cannot, each with its reason."""
    found = comparisons(board)
    refused: dict[str, list[str]] = {}
    for each in found:
        if each.reason:
            place = f"{each.recipe} on {each.bed}, width {each.width:,}"
            names = refused.setdefault(f"{place}: {each.reason}", [])
            names.append(each.figure)
    baseline = board.settings.baseline
    return Table(
        title=f"Against {baseline}, at equal L0 and FVU",
        caption=f"Both L0 and FVU are equal within {board.settings.tolerance:.0%}, one of them "
        f"exactly. The interval is over seeds. Where recipes do not meet, there is no comparison.",
        columns=["recipe", "testbed", "width", "figure", "at", "value", baseline, "difference"],
        rows=[_compared(each) for each in found if not each.reason],
        notes=[f"{where}. Not compared: {', '.join(names)}." for where, names in refused.items()],
    )


def _compared(each: Comparison) -> list[str]:
    assert each.axis is not None and each.level is not None
    assert each.value is not None and each.baseline is not None and each.difference is not None
    interval = each.difference.interval
    span = "" if interval is None else f" [{interval[0]:+.3g}, {interval[1]:+.3g}]"
    return [
        each.recipe,
        each.bed,
        f"{each.width:,}",
        each.figure,
        f"{each.axis.upper()} {each.level:.3g}",
        f"{each.value:.3g}",
        f"{each.baseline:.3g}",
        f"{each.difference.value:+.3g}{span}",
    ]


def _probes(board: Leaderboard) -> Table:
    """Every probe at the k in the middle, also of the parts of a code."""
    settings = board.settings
    labels = [(bed, label) for bed in settings.beds for label in settings.ladder.get(bed, [])]
    rows = []
    for width in settings.widths:
        for recipe in settings.recipes:
            entries = [
                entry
                for entry in board.entries
                if (entry.cell.width, entry.cell.recipe) == (width, recipe)
                and entry.cell.k == settings.middle_k
            ]
            readers = dict.fromkeys(each.reader for entry in entries for each in entry.probes)
            for reader in readers:
                found = {
                    (entry.cell.bed, each.label, entry.cell.seed): each.accuracy
                    for entry in entries
                    for each in entry.probes
                    if each.reader == reader
                }
                cells = [
                    _share([found.get((*label, seed)) for seed in settings.seeds])
                    for label in labels
                ]
                part = "" if reader == "code" else f", {reader}"
                rows.append([f"{recipe}{part}", f"{width:,}", *cells])
    readers_alone = dict.fromkeys(
        each.reader for some in board.references.values() for each in some
    )
    for reader in readers_alone:
        known = {
            (bed, each.label): each.accuracy
            for bed, some in board.references.items()
            for each in some
            if each.reader == reader
        }
        rows.append([reader, "", *(_share([known.get(label)]) for label in labels)])
    return Table(
        title=f"What a linear probe reads, at k {settings.middle_k}",
        caption="Accuracy on held-out blocks of time, mean over seeds; labels of each testbed "
        "from fast to slow. Equal k is not equal L0: see the frontiers.",
        columns=["reader", "width", *(f"{label} ({bed})" for bed, label in labels)],
        rows=rows,
        notes=[],
    )


def _share(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{np.mean(known):.3f}" if known else "not measured"
