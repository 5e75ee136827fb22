"""A feature table, from its file to the answers of the API."""

from __future__ import annotations

import pytest
from browsing import launched
from fastapi.testclient import TestClient
from small_run import WIDTH, add_dictionary, prose, write_store

import sparsetime
from sparsetime.explorer.server.app import make_app
from sparsetime.explorer.workbench.workbench import Workbench
from sparsetime.features.column_definition import ColumnDefinition
from sparsetime.features.index import open_index

KEY = "batch_topk"
FEATURES = f"/api/dictionaries/{KEY}/features"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    add_dictionary(
        folder, write_store(folder / "activations", [prose(n, 20) for n in range(3)]), KEY
    )
    index = open_index(folder / KEY / "features")
    columns = {
        "feature": list(range(WIDTH)),
        "agreement": [f / WIDTH if f % 2 else None for f in range(WIDTH)],
        "remark": [f"zebra {f}" for f in range(WIDTH)],
        "title": [f"title {f}" if f % 3 == 0 else None for f in range(WIDTH)],
    }
    definitions = [
        ColumnDefinition("agreement", "float64", "share of raters who agree", "share", "survey"),
        ColumnDefinition("remark", "string", "a rater's remark"),
        ColumnDefinition("title", "string", "a rater's name", role="name"),
    ]
    index.add_table("raters", columns, definitions)
    return folder


@pytest.fixture(scope="module")
def client(run):
    with TestClient(make_app(Workbench(run)), base_url="http://localhost") as client:
        yield client


def asked(client, address, **parameters):
    response = client.get(address, params=parameters)
    assert response.status_code == 200, response.text
    return response.json()


def active(client):
    return [line["feature"] for line in asked(client, FEATURES, limit=500)["lines"]]


def test_the_columns_are_listed_with_their_definitions(client):
    columns = {c["name"]: c for c in asked(client, f"/api/dictionaries/{KEY}/columns")}
    agreement = columns["agreement"]
    assert (agreement["table"], agreement["unit"], agreement["source"]) == (
        "raters",
        "share",
        "survey",
    )
    assert agreement["sorts"] and agreement["least"] == pytest.approx(1 / WIDTH)
    assert not columns["remark"]["sorts"] and columns["title"]["role"] == "name"
    assert columns["dwell"]["table"] == "" and columns["dwell"]["definition"]


def test_a_numeric_column_sorts_and_filters(client):
    lines = asked(client, FEATURES, sort="agreement", limit=500)["lines"]
    values = [line["columns"]["agreement"] for line in lines]
    known = [value for value in values if value is not None]
    assert known == sorted(known, reverse=True) and values[: len(known)] == known
    up = asked(client, FEATURES, sort="agreement", ascending=True, limit=500)["lines"]
    assert [line["columns"]["agreement"] for line in up][: len(known)] == sorted(known)
    some = asked(client, FEATURES, where=["agreement:0.5:", "density::0.9"], limit=500)["lines"]
    expected = {f for f in active(client) if f % 2 and f / WIDTH >= 0.5}
    density = {line["feature"]: line["density"] for line in lines}
    assert {line["feature"] for line in some} == {f for f in expected if density[f] <= 0.9}


def test_a_text_column_is_searched(client):
    feature = active(client)[0]
    found = asked(client, FEATURES, words=f"zebra {feature}", limit=500)["lines"]
    assert feature in [line["feature"] for line in found]
    assert all(str(feature) in line["columns"]["remark"] for line in found)
    assert asked(client, FEATURES, words="zebra unicorn")["total"] == 0


def test_a_person_names_before_a_label_before_a_rule(client):
    lines = asked(client, FEATURES, limit=500)["lines"]
    for line in lines:
        if line["feature"] % 3 == 0:
            assert (line["name"], line["named_by"]) == (f"title {line['feature']}", "label")
        else:
            assert line["named_by"] == ("rule" if line["words"] else "")
            assert line["name"] == ", ".join(line["words"][:3])
    feature = next(line["feature"] for line in lines if line["feature"] % 3 == 0)
    client.put(f"{FEATURES}/{feature}/label", json={"name": "a person's"})
    line = asked(client, f"{FEATURES}/{feature}")["line"]
    assert (line["name"], line["named_by"], line["label"]) == ("a person's", "person", "a person's")
    rows = asked(client, f"/api/dictionaries/{KEY}/sequences/0/timeline", also=[feature])["rows"]
    (row,) = [row for row in rows if row["feature"] == feature]
    assert (row["name"], row["named_by"]) == ("a person's", "person")
    client.put(f"{FEATURES}/{feature}/label", json={})


@pytest.mark.parametrize(
    "parameters",
    [
        {"sort": "price"},
        {"sort": "remark"},
        {"where": "price:0:1"},
        {"where": "agreement"},
        {"where": "agreement:a:b"},
    ],
)
def test_columns_without_an_order_are_refused(client, parameters):
    assert client.get(FEATURES, params=parameters).status_code == 422


def test_the_page_sorts_and_filters_by_the_column(run, client):
    with launched() as browser:
        explorer = sparsetime.explore(run, browser=False)
        tab = browser.new_page()
        errors = []
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto(f"{explorer.url}features?dictionary={KEY}")
        tab.wait_for_selector(".view[data-ready]")
        shown = ".view .line .id"
        names = tab.locator(".view .line .name").all_inner_texts()
        assert any(name.startswith("title ") for name in names)
        with tab.expect_response(lambda answer: "sort=agreement" in answer.url):
            tab.get_by_label("Sort").select_option("agreement")
        expected = asked(client, FEATURES, sort="agreement", limit=60)["lines"]
        tab.locator(shown, has_text=str(expected[0]["feature"])).first.wait_for()
        with tab.expect_response(lambda answer: "where=" in answer.url):
            tab.get_by_label("least agreement").fill("0.5")
        some = asked(client, FEATURES, sort="agreement", where="agreement:0.5:", limit=60)["lines"]
        tab.wait_for_timeout(300)
        assert tab.locator(shown).all_inner_texts() == [str(line["feature"]) for line in some]
        tab.reload()
        tab.wait_for_selector(".view[data-ready]")
        assert tab.locator(shown).all_inner_texts() == [str(line["feature"]) for line in some]
        assert errors == []
        explorer.stop()
