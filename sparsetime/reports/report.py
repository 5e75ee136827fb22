"""The report of a run: one HTML file that needs nothing else."""

from __future__ import annotations

import json
from pathlib import Path

from sparsetime.explorer import manifests
from sparsetime.explorer.module_bundle import import_map, module_name
from sparsetime.explorer.records import PART_HUES
from sparsetime.files import Folder
from sparsetime.files.checksum import signed
from sparsetime.files.formats import json_bytes
from sparsetime.reports.page_schema import PageData
from sparsetime.reports.render import rendered
from sparsetime.reports.svg_charts import chart_svg

REPORT = "report.html"
SCHEMA_VERSION = 1  # of the data in the page
_TIMELINE = "web/embedded.js"
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
    metric by depth of the model, of a leaderboard its pictures and tables.

    Errors: StoreError where the run has no store, no dictionary, or none that can be shown.
    """
    from sparsetime.comparison import leaderboard_files
    from sparsetime.reports.leaderboard_page import leaderboard_html
    from sparsetime.reports.run_page import gather
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
        timeline_css=Markup(manifests.assets()["web/timeline.css"].read_text("utf-8")),
        import_map=Markup(import_map([_TIMELINE, *_lane_modules()])),
        boot=Markup(_boot()),
        manifests=Markup(_escaped(json.dumps(manifests.for_page(exported=True)))),
        data=Markup(embedded_json(page)),
    )


def embedded_json(page: PageData) -> str:
    """What the timeline draws, as JSON that cannot end the element that holds it.

    It has a checksum, which the page checks before it draws.
    """
    text = json_bytes(page.timeline.model_dump(mode="json"), SCHEMA_VERSION, indent=None).decode()
    return signed(_escaped(text.strip()).encode()).decode()


def _escaped(text: str) -> str:
    return text.translate(_JSON_ESCAPES)


def _lane_modules() -> list[str]:
    return [f"lanes/{lane.name}/lane.js" for lane in manifests.lanes()]


def _boot() -> str:
    """The script that starts the timeline, with every lane that the explorer has."""
    lanes = manifests.lanes()
    lines = [f'import {{ embedTimeline }} from "{module_name(_TIMELINE)}";']
    lines += [
        f'import lane{number} from "{module_name(path)}";'
        for number, path in enumerate(_lane_modules())
    ]
    used = ", ".join(f'["{lane.place}", lane{number}]' for number, lane in enumerate(lanes))
    data = 'document.getElementById("timeline-data").textContent'
    return "\n".join([*lines, f"embedTimeline({data}, [{used}]);"])
