"""The page of a leaderboard: who stands where, the pictures of every testbed, what is compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, final

from sparsetime.comparison.recipe_comparison import rankings
from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.reports.leaderboard_charts import ChartPanel, panels
from sparsetime.reports.leaderboard_tables import (
    Table,
    against_baseline,
    overview,
    probes,
    standing_table,
)
from sparsetime.reports.render import rendered
from sparsetime.reports.svg_charts import chart_svg

if TYPE_CHECKING:
    from sparsetime.comparison.leaderboard_files import Leaderboard


@final
class Bed(FrozenRecord):
    """What is shown of one testbed."""

    name: Text
    panels: list[ChartPanel]
    rankings: list[Table]
    probes: Table | None


@final
class LeaderboardPage(FrozenRecord):
    """Everything on the page."""

    title: Text
    lead: Text
    overview: Table
    beds: list[Bed]
    compared: Table
    facts: list[tuple[Text, Text]]


def leaderboard_page(board: Leaderboard) -> LeaderboardPage:
    """What the page of a leaderboard shows."""
    settings = board.settings
    train = settings.train
    standings = rankings(board)
    return LeaderboardPage(
        title="Leaderboard",
        lead=f"{len(board.entries)} dictionaries of {len(settings.recipes)} recipes, each trained "
        f"on {train.rows:,} rows in the same order, and measured on sequences that none of them "
        "was trained on.",
        overview=overview(standings),
        beds=[
            Bed(
                name=bed,
                panels=panels(board, bed),
                rankings=[
                    standing_table(standing, settings.seeds)
                    for standing in standings
                    if standing.bed == bed
                ],
                probes=probes(board, bed),
            )
            for bed in settings.beds
        ],
        compared=against_baseline(board),
        facts=[
            ("testbeds", ", ".join(settings.beds)),
            ("widths", _listed(settings.widths)),
            ("k", _listed(settings.ks)),
            ("seeds", _listed(settings.seeds)),
            ("batch", f"{train.batch:,}"),
            ("learning rate", f"{train.learning_rate or 'the default of each width'}"),
            ("held out", f"{settings.held_out:.0%}"),
        ],
    )


def leaderboard_html(board: Leaderboard) -> str:
    """The page as HTML. Names are escaped everywhere; nothing is fetched."""
    from markupsafe import Markup

    page = leaderboard_page(board)
    drawn = {
        chart.title: Markup(chart_svg(chart))
        for bed in page.beds
        for panel in bed.panels
        for _, chart in panel.charts
    }
    return rendered("leaderboard.html.j2", page=page, drawn=drawn)


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(f"{number:,}" for number in numbers)
