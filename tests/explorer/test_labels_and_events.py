"""Labels, events and conditions of features in the explorer: API, pages, export."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient
from known_codes import make_store

import sparsetime as st
from sparsetime import seeds
from sparsetime.codes import SparseCode
from sparsetime.explorer import manifests
from sparsetime.explorer.server.app import make_app
from sparsetime.explorer.workbench.workbench import Workbench
from sparsetime.features import CodeSource

KEY, WIDTH, RECORDINGS, STEPS = "neurons", 40, 12, 200
FEATURES = f"/api/dictionaries/{KEY}/features"


class Neurons(CodeSource):
    kind, name, width, fingerprint = "neurons", "neurons", WIDTH, "neurons of the test"

    def code(self, sequence):
        return SparseCode.from_dense(torch.relu(sequence.values))


class Copy(Neurons):
    name, fingerprint = "copy", "a copy of the neurons"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Feature 0 fires on "speech", 1 on loud steps, 2 in patients; the others at random."""
    folder = tmp_path_factory.mktemp("run")
    rng = seeds.numpy_generator(0, "planted codes")
    rows, kinds, loud, labels = [], [], [], []
    for number in range(RECORDINGS):
        kind = np.repeat(rng.choice(["speech", "music", "noise"], STEPS // 10), 10)
        level = np.repeat(rng.uniform(0, 1, STEPS // 10), 10)
        x = (rng.random((STEPS, WIDTH)) < 0.1) * rng.random((STEPS, WIDTH))
        x[:, 0], x[:, 1] = kind == "speech", (level > 0.7) * level
        x[:, 2] = rng.random(STEPS) < 0.1 + 0.4 * (number % 2)
        rows.append(x)
        kinds.append(kind.tolist())
        loud.append(level.tolist())
        labels.append({"group": ["control", "patient"][number % 2]})
    store = make_store(
        folder / "activations", rows, steps={"kind": kinds, "loudness": loud}, labels=labels,
        unit="s",
    )  # fmt: skip
    index = st.index(Neurons(), store, folder / KEY / "features", progress=False)
    st.index(Copy(), store, folder / "copy" / "features", progress=False)
    st.label_features(index, store, draws=50, progress=False)
    onsets = st.features.label_onsets(index, store, "kind")
    st.peri_event(index, onsets, before=10, after=20, draws=50, progress=False)
    st.compare_conditions(index, store, "group", "patient", "control")
    return folder


@pytest.fixture(scope="module")
def client(run):
    with TestClient(make_app(Workbench(run)), base_url="http://localhost") as client:
        yield client


def asked(client, address, code=200, **parameters):
    response = client.get(address, params=parameters)
    assert response.status_code == code, response.text
    return response.json()


def test_lists_are_named_sorted_searched_and_filtered_by_labels(client):
    lines = asked(client, FEATURES, sort="label_precision", limit=3)["lines"]
    assert lines[0]["name"] in ("speech (kind)", "patient (group)") or "loud" in lines[0]["name"]
    assert lines[0]["named_by"] == "label"
    found = asked(client, FEATURES, words="speech")["lines"]
    assert 0 in [line["feature"] for line in found]
    sure = asked(client, FEATURES, where="label_q:0:0.05", sort="feature")["lines"]
    # Half of twelve recordings are too few to be sure of patients.
    assert [line["feature"] for line in sure][:2] == [0, 1]
    differ = asked(client, FEATURES, where="group patient vs control q::0.05")["lines"]
    assert 2 in [line["feature"] for line in differ] and len(differ) <= 3


def test_a_list_is_of_the_recordings_with_a_label_and_split_by_one(client):
    labels = asked(client, f"/api/dictionaries/{KEY}/recording_labels")
    assert labels == [
        {
            "name": "group",
            "values": [{"value": v, "recordings": 6} for v in ("control", "patient")],
        }
    ]
    page = asked(client, FEATURES, split="group", sort="split", limit=3)
    assert page["split_values"] == ["control", "patient"]
    assert page["lines"][0]["feature"] == 2
    control, patient = page["lines"][0]["split"]
    only = asked(client, FEATURES, only="group:patient", sort="density", limit=40)["lines"]
    line = next(line for line in only if line["feature"] == 2)
    assert line["density"] == pytest.approx(patient) and line["documents"] == 6
    assert patient > 0.4 and control < 0.2
    assert [x["density"] for x in only] == sorted((x["density"] for x in only), reverse=True)
    sequences = asked(client, f"/api/dictionaries/{KEY}/sequences", only="group:patient")
    assert sequences["total"] == 6 and sequences["lines"][0]["sequence"] == 1


def test_a_comparison_is_of_the_recordings_with_a_label_and_split_by_one(client):
    both = {"left": KEY, "right": "copy", "shown": 100}
    whole = asked(client, "/api/compare", **both)
    assert whole["shared"] == WIDTH and whole["split_values"] == []
    split = asked(client, "/api/compare", **both, split="group", only="group:patient")
    pair = next(one for one in split["matches"] if one["left"]["feature"] == 2)
    assert split["split_values"] == ["control", "patient"]
    for line in (pair["left"], pair["right"]):
        assert line["density"] == line["split"][1] > 2 * line["split"][0]
    assert "nobody" in asked(client, "/api/compare", 422, **both, only="group:nobody")["detail"]
    assert "speaker" in str(asked(client, "/api/compare", 404, **both, split="speaker"))


def test_examples_are_of_the_recordings_with_a_label(client):
    answer = asked(client, f"{FEATURES}/2", only="group:patient")
    shown = {example["sequence"] % 2 for band in answer["bands"] for example in band["moments"]}
    assert shown == {1} and answer["count"] == asked(client, f"{FEATURES}/2")["count"]
    assert "group" in asked(client, f"{FEATURES}/2", 422, only="group:nobody")["detail"]


@pytest.mark.parametrize("parameters", [{"only": "group"}, {"only": "group:nobody"}])
def test_conditions_that_do_not_exist_are_refused(client, parameters):
    assert "group" in asked(client, FEATURES, code=422, **parameters)["detail"]


def test_a_panel_has_scores_and_the_tuning_curve(client):
    answer = asked(client, f"{FEATURES}/0/labels")
    best = answer["scores"][0]
    assert answer["of_scores"] == len(answer["scores"])
    assert "trained on" in answer["measured_on"]
    assert best["name"] == "speech (kind)" and best["precision"] == best["recall"] == 1.0
    assert best["tuning"][0] == {"value": "speech", "rate": 1.0, "detected": True}
    assert best["baselines"][0]["name"] == "raw" and best["edges"] is None
    loud = asked(client, f"{FEATURES}/1/labels")["scores"][0]
    assert len(loud["edges"]) == len(loud["tuning"]) + 1 == 13
    assert [one["detected"] for one in loud["tuning"]] == sorted(
        one["detected"] for one in loud["tuning"]
    )


def test_a_panel_has_averages_and_single_onsets(client):
    view = asked(client, f"{FEATURES}/0/peri_event")
    speech = next(one for one in view["averages"] if one["type"] == "speech")
    assert speech["latency"] == 0 and speech["q"] < 0.05 and len(speech["curve"]) == 31
    assert speech["curve"][10] == 1.0 and view["of_types"] == len(view["averages"])
    assert (view["before_time"], view["after_time"], speech["latency_time"]) == (10, 20, 0)
    assert speech["duration_time"] == speech["duration"]
    assert all(len(onset["percent"]) == 31 for onset in speech["onsets"])
    assert all(onset["percent"][10] == 100 for onset in speech["onsets"])


def test_a_panel_has_the_rate_of_every_recording(client):
    answer = asked(client, f"{FEATURES}/2/conditions")
    values = answer["splits"][0]["values"]
    assert answer["splits"][0]["of_values"] == 2
    assert [(one["value"], len(one["rates"])) for one in values] == [("control", 6), ("patient", 6)]
    comparison = answer["comparisons"][0]
    assert comparison["title"] == "group patient vs control" and comparison["q"] < 0.05
    means = [one["mean"] for one in values]
    assert comparison["difference"] == pytest.approx(means[1] - means[0], abs=1e-6)


def test_tables_that_are_written_while_the_explorer_is_open_are_seen(run, client):
    index = st.open_index(run / KEY / "features")
    before = Workbench(run)
    assert "late" not in before.opened.dictionary(KEY).tables
    index.add_table("late", {"feature": range(WIDTH)}, [])
    before._looked = 0.0
    assert "late" in before.opened.dictionary(KEY).tables


def test_every_view_has_a_filter_by_label_or_says_why_not(run, browser):
    """A view that is added draws `conditionChoice`, or its manifest has a reason."""
    explorer = st.explore(run, browser=False)
    tab = browser.new_page()
    try:
        for view in manifests.views():
            tab.goto(explorer.url + view.path.format(key=KEY, number=2).removeprefix("/"))
            tab.wait_for_selector(".view[data-ready]")
            if view.unfiltered:
                note = tab.locator(".no-choice")
                note.wait_for(timeout=5000)
                assert note.inner_text().endswith(f": {view.unfiltered}."), view.name
                continue
            assert tab.locator(".no-choice").count() == 0
            if view.name == "timeline":  # which chooses one recording
                tab.locator(".picker input").focus()
            choice = tab.locator('select[aria-label="Which recordings"]')
            choice.wait_for(timeout=5000)
            assert "group: patient (6)" in choice.locator("option").all_inner_texts(), view.name
    finally:
        tab.close()
        explorer.stop()


def test_choices_of_a_page_ask_for_the_recordings(run, browser):
    explorer = st.explore(run, browser=False)
    tab = browser.new_page()
    try:
        tab.goto(f"{explorer.url}features/{KEY}/2")
        tab.wait_for_selector(".view[data-ready]")
        with tab.expect_response(lambda one: "only=group%3Acontrol" in one.url):
            tab.select_option('.bands select[aria-label="Which recordings"]', "group:control")
        tab.goto(f"{explorer.url}compare?left={KEY}&right=copy")
        tab.wait_for_selector(".view[data-ready] .pair")
        tab.select_option('select[aria-label="Split by"]', "group")
        tab.wait_for_selector(".pair .split-bars")
        assert "split=group" in tab.url
    finally:
        tab.close()
        explorer.stop()


def test_pages_draw_them_and_an_export_keeps_them(run, browser, tmp_path):
    tab, errors = browser.new_page(), []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    explorer = st.explore(run, browser=False)
    tab.goto(f"{explorer.url}features/{KEY}/0")
    tab.wait_for_selector(".view[data-ready]")
    assert tab.locator("h1").inner_text() == "speech (kind)"
    heads = tab.locator("section.labels h2").all_inner_texts()
    assert heads == ["Labels it detects", "Around events", "By group"]
    assert tab.locator(".bars .detected span").inner_text() == "speech"
    assert tab.locator(".strip circle").count() == RECORDINGS
    tab.goto(f"{explorer.url}features?dictionary={KEY}&split=group&only=group:patient")
    tab.wait_for_selector(".view[data-ready] .split-bars")
    assert "Filter by" in tab.locator(".ranges summary").inner_text()
    explorer.stop()
    assert errors == []
    tab.close()
    st.export(run, tmp_path / "out", progress=False)
    kept = json.loads((tmp_path / "out/data/1/features/0.json").read_text())
    assert kept["labels"]["scores"] and kept["peri_event"]["averages"]
    assert kept["conditions"]["splits"]
