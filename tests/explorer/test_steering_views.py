"""The views of steering: a prompt continued with edits, and saved effects by lag."""

import json
from dataclasses import replace

import numpy as np
import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError
from small_run import add_dictionary, effects_by_lag, prose, write_store
from steered_models import language_model, small_dictionary

import sparsetime as st
from sparsetime.errors import ConfigError, DamagedError, DataError
from sparsetime.explorer.server.app import make_app
from sparsetime.explorer.workbench import steering
from sparsetime.explorer.workbench.judged_steering import judged_steering
from sparsetime.explorer.workbench.saved_effects import saved_effects
from sparsetime.explorer.workbench.workbench import Workbench
from sparsetime.files import Folder
from sparsetime.statistics.estimate import Estimate
from sparsetime.steering.arms.compare_arms import ArmComparison, ArmScore

SITE = "model.layers.0"


@pytest.fixture(scope="module")
def continued():
    """A function of what is typed; the model and the dictionary are tiny."""
    model, sae = language_model(), {SITE: small_dictionary("topk", 1, 0.1, k=6)}
    return lambda given: steering.continued(model, sae, None, given)


def _input(**changes):
    given = {"prompt": "BCDE", "edits": ("3=60",), "units": "spread", "tokens": 5}
    return steering.SteerInput(**(given | changes))


def test_both_texts_are_on_one_axis(continued):
    answer = continued(_input(span="steps(2, 6)"))
    assert answer.prompt_steps == 4
    assert len(answer.steps) == 9
    assert [step.weight for step in answer.steps[:8]] == [0, 0, 1, 1, 1, 1, 0, 0]
    assert all(step.plain == step.steered for step in answer.steps[:4])
    apart = np.array([step.divergence for step in answer.steps])
    assert np.all(apart[:2] < 1e-6)
    assert apart[2] > 1e-6
    assert answer.edited_steps == 4
    assert answer.relative_norm > 0


def test_nothing_is_edited_where_the_span_does_not_act(continued):
    answer = continued(_input(span="steps(90)"))
    assert answer.relative_norm is None
    assert answer.edited_steps == 0
    assert all(step.plain == step.steered for step in answer.steps)
    assert max(step.divergence for step in answer.steps) < 1e-6


def test_what_is_refused(continued):
    with pytest.raises(DataError, match="a blank prompt"):
        continued(_input(prompt="  "))
    with pytest.raises(ConfigError, match="expected a number from 0 to 31"):
        continued(_input(edits=("99=1",)))
    with pytest.raises(ConfigError, match="'later'"):
        continued(_input(span="later()"))
    with pytest.raises(ValidationError):
        _input(tokens=0)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    store = write_store(folder / "activations", [prose(n, 40) for n in (0, 1)])
    add_dictionary(folder, store, "topk")
    return folder


def test_saved_effects_are_shown_and_exported(run, tmp_path):
    address = "/api/dictionaries/topk/effects"
    client = TestClient(make_app(Workbench(run)), base_url="http://localhost")
    assert client.get(address).json() == []
    effects_by_lag().save(run / "topk/features")
    client = TestClient(make_app(Workbench(run)), base_url="http://localhost")
    (shown,) = client.get(address).json()
    assert shown["edits"] == ["3 add 2"]
    assert [line["feature"] for line in shown["features"]] == [3]
    (response,) = shown["responses"]
    assert response["divergence"]["mean"] == [0.5, 0.2, 0.1]
    assert response["divergence"]["null_high"][0] > response["divergence"]["null_low"][0]
    assert response["half_life_interval"] == [1.0, 2.0]
    st.export(run, tmp_path / "site", progress=False)
    exported = json.loads((tmp_path / "site/data/effects-0.json").read_text())
    assert exported["data"] if isinstance(exported, dict) else exported == [shown]
    folder = Folder(str(run / "topk/features/effects"))
    for other in ({}, effects_by_lag().to_record() | {"features": [96]}):
        folder.write_json("3.json", {"schema_version": 1} | other)
        with pytest.raises(DamagedError, match=r"3\.json does not hold effects.*Measure it again"):
            saved_effects(Workbench(run).opened, "topk")


def test_judged_steering_is_shown_and_exported(tmp_path):
    run = tmp_path / "run"
    add_dictionary(run, write_store(run / "activations", [prose(0, 40)]), "topk")
    index = st.open_index(run / "topk/features")
    score = ArmScore("features", 0.5, Estimate(0.3, (0.1, 0.5)), 1.2, Estimate(0.9), ("a b",))
    plain = replace(score, name="plain", dose=0.0, target=Estimate(0.1))
    null = replace(score, name="random 1", target=Estimate(0.2))
    about = {
        "features": {"3": 1.0}, "are_chosen": True, "site": "layer", "judge": "words",
        "off_target": "different words", "prompts": ["x"], "doses": [0.5],
        "dictionary": index.record["subject"]["dictionary"],
    }  # fmt: skip
    scores = {one.name: one for one in (plain, score, null)}
    made = ArmComparison(scores, 1.25, {"features": ("random 1",)}, 0.4, about)
    assert made.save(index.path) == "3"
    address = "/api/dictionaries/topk/judged"
    client = TestClient(make_app(Workbench(run)), base_url="http://localhost")
    (shown,) = client.get(address).json()
    own, other = shown["arms"][1:]
    assert (own["rank"], own["target_interval"]) == (0.5, [0.1, 0.5])
    assert own["effect_size"] == pytest.approx(0.5)
    assert (own["null_of"], other["null_of"], own["texts"]) == ("", "features", ["a b"])
    st.export(run, tmp_path / "site", progress=False)
    assert json.loads((tmp_path / "site/data/judged-0.json").read_text()) == [shown]
    folder = Folder(str(index.path))
    replace(made, about={}).save(index.path, "own")  # of no dictionary
    assert [one.judge for one in judged_steering(Workbench(run).opened, "topk")] == ["words"]
    folder.write_json("judged/3.json", {"schema_version": 1, "about": about})
    with pytest.raises(DamagedError, match=r"3\.json does not hold a comparison.*Judge it again"):
        judged_steering(Workbench(run).opened, "topk")
    folder.write_json("judged/3.json", {"schema_version": 1, "about": about | {"dictionary": "0"}})
    assert judged_steering(Workbench(run).opened, "topk") == []


def test_effects_of_another_dictionary_are_not_shown_and_an_index_opens_beside_them(tmp_path):
    store = write_store(tmp_path / "activations", [prose(0, 40)])
    add_dictionary(tmp_path, store, "topk")
    features = tmp_path / "topk/features"
    effects_by_lag().save(features)
    index = st.index(st.load(tmp_path / "topk"), store, features, progress=False)
    own = index.record["subject"]["dictionary"]
    record = effects_by_lag().to_record()
    for measured, shown in ((own, 1), ("0" * 64 + "+" + "0" * 16, 0)):
        settings = {"settings": record["settings"] | {"dictionary": measured}}
        Folder(str(features)).write_json("effects/3.json", record | settings)
        assert len(saved_effects(Workbench(tmp_path).opened, "topk")) == shown
