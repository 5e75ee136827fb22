"""Page of a suite: its table, and every metric by depth of the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, final

from sparsetime.explorer.records import Curve, FrozenRecord, Text
from sparsetime.reports.page_schema import Chart
from sparsetime.reports.render import rendered
from sparsetime.reports.svg_charts import chart_svg

if TYPE_CHECKING:
    from sparsetime.suites.suite_record import Suite, SuiteEntry

_HUES = ("high", "low", "violet", "green", "ink", "plain")


@final
class SuitePage(FrozenRecord):
    """Everything on the page. rows: a line a dictionary, as `columns` says."""

    title: Text
    lead: Text
    columns: list[Text]
    rows: list[list[Text]]
    charts: list[Chart]
    facts: list[tuple[Text, Text]]


def suite_page(suite: Suite) -> SuitePage:
    """What the page of a suite shows."""
    entries = suite.entries
    increases = suite.increases
    columns = [f"CE increase, {name}" for name in increases]
    charts = [
        _chart("Unexplained variance", "of held-out activations", entries, lambda e: e.fvu),
        _chart("Never active", "features, as a share of the width", entries, lambda e: e.dead),
        *(
            _chart(
                f"CE increase, {name}",
                "nats a token, with the reconstruction in place of the site",
                [entry for entry in entries if name in entry.ce_increase],
                lambda e, name=name: e.ce_increase[name],  # type: ignore[misc]
            )
            for name in increases
        ),
    ]
    settings = suite.about["settings"]
    sites = len({entry.site for entry in entries})
    return SuitePage(
        title=f"A suite of {suite.about['model_name']}",
        lead=f"{len(entries)} dictionaries of {sites} sites, all of the recipe "
        f"{settings['recipe']}, measured on documents that none of them was trained on.",
        columns=["site", "width", "FVU", "L0", "dead", *columns],
        rows=[_row(entry, increases) for entry in entries],
        charts=charts,
        facts=[
            ("model", suite.about["model_name"]),
            ("weights", suite.about["model_hash"][:12]),
            ("rows a dictionary", f"{settings['train']['rows']:,}"),
            ("held out", f"{settings['held_out']:.0%}"),
        ],
    )


def suite_html(suite: Suite) -> str:
    """The page as HTML. Names are escaped everywhere; nothing is fetched."""
    from markupsafe import Markup

    page = suite_page(suite)
    charts = [(chart, Markup(chart_svg(chart))) for chart in page.charts]
    return rendered("suite.html.j2", page=page, charts=charts)


def _chart(
    title: str, what: str, entries: Sequence[SuiteEntry], of: Callable[[SuiteEntry], float]
) -> Chart:
    """A curve for every pattern of sites and every width, from the first site to the last."""
    lines: dict[tuple[str, int], list[SuiteEntry]] = {}
    for entry in entries:
        lines.setdefault((entry.pattern, entry.width), []).append(entry)
    many_widths = len({width for _, width in lines}) > 1
    curves = [
        Curve(
            label=f"{pattern}, {width:,}" if many_widths else pattern,
            hue=_HUES[number % len(_HUES)],
            x=[float(entry.depth) for entry in some],
            y=[of(entry) for entry in some],
        )
        for number, ((pattern, width), some) in enumerate(lines.items())
    ]
    return Chart(
        title=title,
        caption=f"{what[0].upper()}{what[1:]}, by the place of the site in the model.",
        x_label="depth",
        y_label=title.lower(),
        curves=curves,
    )


def _row(entry: SuiteEntry, increases: Sequence[str]) -> list[str]:
    losses = [entry.ce_increase.get(name) for name in increases]
    return [
        entry.site,
        f"{entry.width:,}",
        f"{entry.fvu:.1%}",
        f"{entry.l0:.1f}",
        f"{entry.dead:.1%}",
        *("not measured" if loss is None else f"{loss:.3f}" for loss in losses),
    ]
