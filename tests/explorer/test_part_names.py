"""Parts under the names that their dictionary gives them, from the index to the pages."""

import edited
import pytest
from fastapi.testclient import TestClient
from small_run import add_dictionary, prose, write_store

import sparsetime as st
from sparsetime.explorer.server.app import make_app
from sparsetime.explorer.workbench.workbench import Workbench
from sparsetime.metrics.evaluation_report import RECORD
from sparsetime.reports.report import render
from sparsetime.reports.run_page import gather

NAME = "temporal_feature_analysis"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    store = write_store(folder / "activations", [prose(n, 20) for n in range(3)])
    sae = add_dictionary(folder, store, NAME)
    st.evaluate(sae, store, ["fvu", "dwell"], out=folder / NAME, progress=False)
    return folder


def test_the_report_shows_the_predicted_and_the_novel_part(run):
    page = gather(run, progress=False)
    assert page.dictionaries[0].parts == ("predicted", "novel")
    assert page.dictionaries[0].note == "96 features, 48 predicted and 48 novel"
    assert page.comparison[0].cells[0].first != page.comparison[0].cells[0].text
    assert "not given" not in (page.comparison[0].cells[0].first, page.comparison[0].cells[0].rest)
    titles = [curve.label.rpartition(", ")[2] for curve in page.charts[2].curves]
    assert titles == ["predicted", "novel"]
    html = render(page)
    assert '<i class="swatch high"></i>predicted</th>' in html
    assert '<i class="swatch low"></i>novel</th>' in html
    assert "high</th>" not in html and "-level" not in html


def test_figures_from_before_parts_had_names_are_still_shown(run):
    now = gather(run, progress=False).comparison
    record = run / NAME / RECORD
    written = record.read_text()
    before = edited.read_json(record)
    for new, old in (("predicted", "high"), ("novel", "low")):
        figures = before["metrics"]
        for name in [name for name in figures if name.endswith(f"/{new}")]:
            figures[name.replace(new, old)] = figures.pop(name)
    edited.write_json(record, before)
    try:
        assert gather(run, progress=False).comparison == now
    finally:
        record.write_text(written)


def test_the_api_names_the_parts_and_asks_for_either(run):
    client = TestClient(make_app(Workbench(run)), base_url="http://localhost")
    assert client.get("/api/run").json()["dictionaries"][0]["entry"]["parts"] == [
        "predicted",
        "novel",
    ]
    for part in ("first", "rest"):
        found = client.get(f"/api/dictionaries/{NAME}/features", params={"part": part}).json()
        assert found["total"] and {line["part"] for line in found["lines"]} == {part}
    refused = client.get(f"/api/dictionaries/{NAME}/features", params={"part": "predicted"})
    assert refused.status_code == 422 and "'first' or 'rest'" in refused.text
