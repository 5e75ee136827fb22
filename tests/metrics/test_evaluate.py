from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from known_codes import Itself, make_store, view

import sparsetime
from sparsetime.activations.sources.as_source import as_source
from sparsetime.activations.store.provenance import provenance
from sparsetime.errors import (
    DamagedError,
    DataError,
    MismatchError,
    StoreError,
    UnknownNameError,
)
from sparsetime.metrics.evaluate import FAMILIES, evaluate, metrics
from sparsetime.metrics.evaluation_report import EvaluationReport


@pytest.fixture
def store(tmp_path):
    rng = np.random.default_rng(0)
    x = [rng.normal(size=(n, 4)) for n in (150, 200, 1)]
    return make_store(tmp_path / "store", x)


def test_all_figures_are_taken_or_left_out_with_a_reason(store):
    report = evaluate(Itself(4, groups=(1, 4)), store, progress=False)
    names = {f"{name}{part}" for name in metrics() for part in ("", "/high", "/low")}
    assert set(report) | set(report.left_out) == names
    assert not set(report) & set(report.left_out)
    assert report.about["steps"] == 351 and report.about["sequences"] == 3
    for figure in report.values():
        assert figure.definition and figure.range and figure.source
    json.dumps(report.to_json(), allow_nan=False)


def test_families_and_figures_can_be_named(store):
    report = evaluate(Itself(4), store, ["reconstruction", "l0"], progress=False)
    assert set(report) == {"fvu", "fvu_rows", "top_variance", "l0"}
    assert len(report) == 4 and "fvu" in report and "dead" not in report
    assert set(evaluate(Itself(4), store, "smoothness", progress=False)) == {"smoothness"}


def test_an_unknown_metric_names_the_closest(store):
    sae = Itself(4)
    with pytest.raises(UnknownNameError, match="unknown metric 'flickr': did you mean 'flicker'"):
        evaluate(sae, store, ["fvu", "flickr"])
    assert sae.seen == []
    assert set(FAMILIES) == {
        "reconstruction",
        "error",
        "description_length",
        "sparsity",
        "persistence",
        "smoothness",
        "temporal",
        "probes",
        "model",
    }
    with pytest.raises(UnknownNameError, match="the family is now called 'persistence'"):
        evaluate(sae, store, ["timing"])


def test_a_pair_that_does_not_belong_together_is_refused_before_work(store, tmp_path):
    with pytest.raises(MismatchError, match="activations of width 5, the source gives width 4"):
        evaluate(Itself(5), store, out=tmp_path / "out")
    sae = Itself(4)
    sae.provenance = {"model_name": "one", "model_hash": "f" * 64}
    with pytest.raises(MismatchError, match="the dictionary was made for a model with hash ffff"):
        evaluate(sae, store)
    assert not (tmp_path / "out").exists()


def test_an_empty_store_is_refused(store):
    with pytest.raises(DataError, match="the store holds no rows"):
        evaluate(Itself(4), view(store, []))


def test_a_report_comes_back_from_its_folder(store, tmp_path):
    report = evaluate(Itself(4), store, out=tmp_path / "out", progress=False)
    again = EvaluationReport.load(tmp_path / "out")
    assert again.to_json() == report.to_json()
    assert again["dwell"].value == report["dwell"].value
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["evaluation.json"]
    fewer = evaluate(Itself(4), store, ["fvu"], out=tmp_path / "out", progress=False)
    assert set(EvaluationReport.load(tmp_path / "out")) == set(fewer) == {"fvu"}


def test_a_report_behind_a_url(store):
    evaluate(Itself(4), store, ["fvu"], out="memory://a/report", force=True, progress=False)
    assert EvaluationReport.load("memory://a/report")["fvu"].value > 0


def test_a_folder_that_holds_another_run_is_refused(store, tmp_path):
    evaluate(Itself(4), store, ["fvu"], out=tmp_path / "out", progress=False)
    other = Itself(4, gain=0.5)
    message = "out holds the evaluation of another dictionary. Choose another folder, or replace"
    with pytest.raises(StoreError, match=message):
        evaluate(other, store, out=tmp_path / "out")
    assert other.seen == []
    evaluate(other, store, ["fvu"], out=tmp_path / "out", force=True, progress=False)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/notes").write_text("…")
    with pytest.raises(StoreError, match="full is not empty and holds no evaluation: it has notes"):
        evaluate(other, store, out=tmp_path / "full")


def test_a_report_always_says_what_it_is_of(store, tmp_path):
    report = evaluate(Itself(4), store, ["fvu"], progress=False)
    assert report.subject.keys() == {"dictionary", "store", "sequences"}
    part = evaluate(Itself(4), view(store, [1]), ["fvu"], progress=False)
    assert part.subject["store"] == report.subject["store"]
    assert part.subject["sequences"] != report.subject["sequences"]


def test_a_report_goes_beside_its_dictionary_and_replaces_a_stale_one(store, tmp_path):
    out = tmp_path / "topk"
    first, second = (sparsetime.dictionary("topk", d_in=4, width=8, k=2, seed=s) for s in (0, 1))
    first.save(str(out))
    evaluate(first, store, ["fvu"], out=out, progress=False)
    with pytest.raises(StoreError, match="topk holds another dictionary than the one evaluated"):
        evaluate(second, store, out=out)
    second.save(str(out))
    report = evaluate(second, store, ["l0"], out=out, progress=False)
    assert EvaluationReport.load(out).subject == report.subject
    assert set(EvaluationReport.load(out)) == {"l0"}
    evaluate(second, view(store, [0]), ["l0"], out=out, progress=False)
    assert EvaluationReport.load(out).about["sequences"] == 1


def test_steps_seen_in_training_are_reported(store):
    sae = Itself(4)

    def seen(trained_on, shown):
        sae.provenance = {"trained_on": trained_on}
        report = evaluate(sae, shown, ["l0"], progress=False)
        return report.to_json()["about"]["seen_in_training"]

    trained_on = provenance(view(store, [0]))
    assert json.loads(json.dumps(trained_on)) == trained_on
    assert seen(trained_on, store) == pytest.approx(150 / 351)
    assert seen(trained_on, view(store, [1, 2])) == 0.0
    assert seen(None, store) is None
    assert seen(trained_on | {"store": "f" * 64}, store) is None
    assert seen(provenance(as_source(torch.ones(3, 4))), store) is None


def test_figures_are_taken_under_a_bar(store, capsys):
    evaluate(Itself(4), store, ["smoothness", "l0"])
    assert "compute metrics: 2 of 2 metrics" in capsys.readouterr().err


def test_reports_that_do_not_read_are_named(tmp_path):
    with pytest.raises(StoreError, match=r"holds no evaluation.json; sparsetime.evaluate"):
        EvaluationReport.load(tmp_path)
    file = tmp_path / "evaluation.json"
    for text, message, error in (
        ("{", "is not valid JSON", DamagedError),
        ("{}", "is not an evaluation report", DamagedError),
        ('{"schema_version": 1, "figures": {"fvu": {}}}', "is not an evaluation rep", DamagedError),
        ('{"schema_version": 2, "metrics": {"fvu": {}}}', "is not an evaluation rep", DamagedError),
        ('{"schema_version": 2}', "is not an evaluation report", DamagedError),
        (
            '{"schema_version": 7, "figures": {}}',
            "has the schema 7; this sparsetime re",
            StoreError,
        ),
    ):
        file.write_text(text)
        with pytest.raises(error, match=message):
            EvaluationReport.load(tmp_path)
