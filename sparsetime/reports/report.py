"""The report of a run: one HTML file that needs nothing else."""

from __future__ import annotations

from pathlib import Path

from sparsetime.explorer.report_schema import PART_HUES, PageData
from sparsetime.files import Folder
from sparsetime.reports.render import asset, rendered
from sparsetime.reports.svg_charts import chart_svg

REPORT = "report.html"
SCRIPTS = ("drawing.js", "score.js")  # one after the other in one script
_JSON_ESCAPES = {
    ord("<"): "\\u003c",
    ord(">"): "\\u003e",
    ord("&"): "\\u0026",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}


def report(run: str | Path, progress: bool = True) -> Path:
    """Write `report.html` into the folder of a run and return where it lies.

    The page shows every dictionary of the run that has a feature index of its weights and of a
    store of the run; see `gather` for what it reads. Of a suite (`sparsetime.suite`) it shows every
    figure over the depth of the model, of a leaderboard its pictures and tables.

    Errors: StoreError where the run has no store, no dictionary, or none that can be shown.
    """
    from sparsetime.comparison import leaderboard_files
    from sparsetime.explorer.report_data import gather
    from sparsetime.reports.leaderboard_page import leaderboard_html
    from sparsetime.reports.suite_page import suite_html
    from sparsetime.suites import suite_record

    folder = Folder(str(run))
    if folder.exists(suite_record.RECORD):
        html = suite_html(suite_record.Suite.open(folder.url))
    elif folder.exists(leaderboard_files.RECORD):
        html = leaderboard_html(leaderboard_files.Leaderboard.open(folder.url))
    else:
        html = render(gather(run, progress))
    folder.write_text(REPORT, html)
    return folder.path(REPORT)


def render(page: PageData) -> str:
    """The page as HTML. Text from the corpus is escaped everywhere; nothing is fetched."""
    from markupsafe import Markup

    return rendered(
        "report.html.j2",
        page=page,
        hues=PART_HUES,
        entries={entry.key: entry for entry in page.dictionaries},
        charts=[(chart, Markup(chart_svg(chart))) for chart in page.charts],
        js=Markup("\n".join(map(asset, SCRIPTS))),
        data=Markup(embedded_json(page)),
    )


def embedded_json(page: PageData) -> str:
    """What the script draws, as JSON that cannot end the element that holds it."""
    return page.model_dump_json(include={"score", "dictionaries", "unit"}).translate(_JSON_ESCAPES)
