"""Explanations in the explorer: names, the queue, a feature's panel, pages, export."""

from __future__ import annotations

import json

import pytest
from fastapi.testclient import TestClient
from planted_text import IN_QUOTE, ON_CAT, QUOTED_DOG, RANDOM, Itself, planted_texts

import sparsetime as st
from sparsetime.explorer.server.app import make_app
from sparsetime.explorer.workbench.timeline import timeline_feature
from sparsetime.explorer.workbench.workbench import Workbench
from sparsetime.features import CodeSource
from sparsetime.files import Folder
from sparsetime.reports.feature_cards import feature_list
from sparsetime.reports.input_pictures import ReportInputs

KEY = "planted"
AT = f"/api/dictionaries/{KEY}"


class Coordinates(CodeSource):
    kind, name, width, fingerprint = "coordinates", "coordinates", 14, "of the test"

    def code(self, sequence):
        return Itself(self.width).encode(sequence.values)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    _, store = planted_texts(folder)
    (folder / "store").rename(folder / "activations")
    store = st.open_store(folder / "activations")
    made = st.index(Coordinates(), store, folder / KEY / "features", progress=False)
    st.explain(made, store, moments=100, progress=False)
    return folder


@pytest.fixture(scope="module")
def client(run):
    with TestClient(make_app(Workbench(run)), base_url="http://localhost") as client:
        yield client


def asked(client, address):
    response = client.get(f"{AT}/{address}")
    assert response.status_code == 200, response.text
    return response.json()


def test_the_queue_begins_with_the_poorest_explanation(client):
    queue = asked(client, "explanations")
    accuracy = [line["accuracy"] for line in queue["lines"]]
    assert queue["total"] == 14 and accuracy == sorted(accuracy)
    assert queue["lines"][-1]["feature"] < RANDOM <= queue["lines"][0]["feature"]
    assert queue["mean_swapped"] < queue["mean_accuracy"]


def test_a_rule_is_clauses_of_predicates(client):
    answer = asked(client, f"features/{QUOTED_DOG}/explanations")
    active = next(one for one in answer["explanations"] if one["part"] == "active")
    assert sorted(active["clauses"][0]) == ["quoted", "token is bird / dog"] or sorted(
        active["clauses"][0]
    ) == ["quoted", "token is dog / bird"]
    assert {score["name"] for score in active["scores"]} >= {"accuracy", "rejects_nearest"}
    assert answer["halves"].startswith("rules chosen on") and "recordings" in answer["halves"]


def test_contexts_hold_the_rule_step_by_step(client):
    contexts = asked(client, f"features/{ON_CAT}/explanations")["contexts"]
    assert {context["outcome"] for context in contexts} == {"right"}
    for context in contexts:
        cats = [word == "cat" for word in context["words"]]
        assert context["holds"] == cats == [strength > 0 for strength in context["strengths"]]
    random = asked(client, f"features/{RANDOM}/explanations")["contexts"]
    assert {context["outcome"] for context in random} > {"missed"}


def test_explanations_name_features_and_people_come_before(client):
    line = asked(client, f"features/{IN_QUOTE}")["line"]
    assert (line["name"], line["named_by"]) == ("quoted", "explanation")
    client.put(f"{AT}/features/{IN_QUOTE}/label", json={"name": "speech", "starred": False})
    assert asked(client, f"features/{IN_QUOTE}")["line"]["name"] == "speech"
    assert asked(client, "explanations")["lines"][0]["named_by"] in ("rule", "")


def test_the_timeline_and_the_report_have_these_names(client, run):
    client.put(f"{AT}/features/{IN_QUOTE}/label", json={"name": "speech", "starred": False})
    opened = Workbench(run).opened
    assert timeline_feature(opened, KEY, ON_CAT).label == "token is cat"
    rows = asked(client, "sequences/0/timeline")["rows"]
    named = {row["feature"]: row["name"] for row in rows}
    assert named[ON_CAT] == "token is cat"
    made = feature_list(opened.dictionary(KEY), ReportInputs(Folder(str(run))), opened.labels)
    lines = {card.feature: asked(client, f"features/{card.feature}")["line"] for card in made.cards}
    by = [lines[card.feature]["named_by"] for card in made.cards]
    assert "explanation" in by
    for card, source in zip(made.cards, by, strict=True):
        given = source in ("person", "label", "explanation")
        assert card.name == (lines[card.feature]["name"] if given else "")


def test_an_export_has_the_queue_and_each_feature(run, tmp_path):
    st.export(run, tmp_path / "site", progress=False)
    queue = json.loads((tmp_path / "site" / "data" / "0" / "explanations.json").read_text())
    assert queue["total"] == 14
    feature = json.loads((tmp_path / "site" / "data" / "0" / f"features/{ON_CAT}.json").read_text())
    assert feature["explanations"]["explanations"][0]["text"] == "token is cat"
