"""The view Evaluation: metrics by family with intervals and nulls, and scores saved beside them."""

import json
import math

import numpy as np
import pytest
from fastapi.testclient import TestClient
from small_run import add_dictionary, add_untrained, prose, write_store

import sparsetime as st
from sparsetime.errors import ConfigError, DamagedError, DataError
from sparsetime.explorer.server.app import make_app
from sparsetime.explorer.workbench.evaluation import evaluation
from sparsetime.explorer.workbench.workbench import Workbench
from sparsetime.files import Folder
from sparsetime.metrics import Absorption, ProbeReport, SensePairScores, save_scores
from sparsetime.statistics.estimate import Estimate
from sparsetime.statistics.linear_probe import ProbeResult

ESTIMATE = Estimate(0.3, (0.1, 0.5), 0.2, "shuffled labels")


@pytest.fixture
def run(tmp_path):
    run = tmp_path / "run"
    store = write_store(run / "activations", [prose(n, 40) for n in range(3)])
    sae = add_dictionary(run, store, "topk")
    add_untrained(run, store, "untrained")
    names = ["fvu", "error_r2", "description_length", "slow_probe"]
    st.evaluate(sae, store, names, out=run / "topk", progress=False)
    return run, sae


def test_metrics_and_saved_scores_are_shown_and_exported(run, tmp_path):
    run, sae = run
    index = run / "topk/features"
    save_scores(index, "absorption", Absorption(0.2, 0.1, (3,), 40), sae)
    client = TestClient(make_app(Workbench(run)), base_url="http://localhost")
    shown = client.get("/api/evaluation").json()
    place = shown["keys"].index("topk")
    titles = [section["title"] for section in shown["sections"]]
    assert titles[:2] == ["Reconstruction", "Error, linear and nonlinear"]
    assert titles[-1] == "Absorption" and "Description length" in titles
    sections = {section["title"]: section["rows"] for section in shown["sections"]}
    (fvu,) = sections["Reconstruction"]
    report = st.metrics.EvaluationReport.load(run / "topk")
    assert fvu["cells"][place]["value"] == report["fvu"].value
    low, high = report["fvu"].details["interval"]
    assert (fvu["cells"][place]["low"], fvu["cells"][place]["high"]) == (low, high)
    assert fvu["cells"][1 - place] is None  # which was not evaluated
    assert fvu["definition"] and fvu["blind_to"]
    assert [row["label"] for row in sections["Absorption"]] == ["Rate", "Silent", "Rows"]
    assert sections["Absorption"][0]["cells"][place]["text"] == "0.2"
    assert any("Measured on" in note for note in shown["notes"])
    st.export(run, tmp_path / "site", progress=False)
    assert json.loads((tmp_path / "site/data/evaluation.json").read_text()) == shown


def test_scores_of_other_weights_and_damaged_files(run):
    run, _ = run
    index = run / "topk/features"
    other = st.load(str(run / "untrained"))
    save_scores(index, "of others", ESTIMATE, other)
    titles = [section.title for section in evaluation(Workbench(run).opened).sections]
    assert "Of others" not in titles
    Folder(str(index)).write_json("scores/bad.json", {"schema_version": 1, "name": "bad"})
    with pytest.raises(DamagedError, match=r"bad\.json does not hold scores.*Save it again with"):
        evaluation(Workbench(run).opened)


def saved(tmp_path, sae, scores):
    save_scores(tmp_path, "some", scores, sae)
    return Folder(str(tmp_path)).read_json("scores/some.json", 1)["scores"]


def test_what_is_saved_of_results(tmp_path):
    sae = st.dictionary("topk", d_in=4, width=8, k=2)
    entry = {"value": 0.3, "interval": [0.1, 0.5], "null": 0.2, "null_is": "shuffled labels"}
    assert saved(tmp_path, sae, ESTIMATE) == [{"name": "some", **entry}]
    (number,) = saved(tmp_path, sae, {"a_b": 2})
    assert number == {"name": "a b", "value": 2.0, "interval": None, "null": None, "null_is": ""}
    pairs = SensePairScores(ESTIMATE, ESTIMATE, ESTIMATE, Estimate(math.nan))
    names = {one["name"]: one["value"] for one in saved(tmp_path, sae, pairs)}
    assert names == {"accuracy": 0.3, "precision": 0.3, "recall": 0.3, "specificity": None}
    result = ProbeResult(0.8, 0.5, (0.7, 0.9), 2, 10, 10, 1, True)
    probe = ProbeReport("kind", None, "steps", {"activations": result}, {})
    (read,) = saved(tmp_path, sae, probe)
    assert (read["name"], read["value"], read["null"]) == ("activations", 0.8, 0.5)
    with pytest.raises(DataError, match="got ndarray as scores, which holds no estimate and no nu"):
        save_scores(tmp_path, "some", np.ones(3), sae)
    with pytest.raises(
        ConfigError, match=r"got the name '\.\./x', expected letters, digits, spaces"
    ):
        save_scores(tmp_path, "../x", ESTIMATE, sae)
