"""The real main job, small: the real model, real text, every stage, twice."""

import json
from pathlib import Path

import pytest

import sparsetime as st
from sparsetime.demo.pipeline import demo
from sparsetime.demo.settings import DemoSettings
from sparsetime.errors import ConfigError, StoreError, UnknownNameError

SMALL = {
    "capture.documents": 8,
    "dictionary.width": 128,
    "dictionary.k": 8,
    "train.rows": 20_000,
    "train.batch": 512,
    "train.snapshots": 2,
    "held_out": 0.25,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo") / "run"
    return demo(out, overrides=SMALL).parent


def stamps(run):
    return {p: p.stat().st_mtime_ns for p in run.rglob("*.safetensors")} | {
        p: p.stat().st_mtime_ns for p in run.rglob("*.parquet")
    }


def test_everything_promised_is_written(run):
    for name in ("report.html", "metrics.json", "config.yaml", "activations/manifest.json"):
        assert (run / name).exists(), name
    for name in ("batch_topk", "temporal_matryoshka"):
        for file in ("dictionary.json", "metrics.jsonl", "evaluation.json", "features/index.json"):
            assert (run / name / file).exists(), f"{name}/{file}"


def test_the_figures_come_with_definitions_and_are_of_held_out_documents(run):
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["data"]["model"] == "all-MiniLM-L6-v2"
    assert metrics["data"]["documents"] == 8
    assert metrics["data"]["held_out_documents"] == 2
    for report in metrics["dictionaries"].values():
        for metric in report["metrics"].values():
            assert metric["definition"]
            assert metric["source"]
        assert 0 < report["metrics"]["fvu"]["value"] < 1
        assert report["about"]["seen_in_training"] == 0.0
    assert {"capture", "train"} <= set(metrics["seconds"])


def test_tokens_keep_document_section_and_place(run):
    store = st.open_store(run / "activations")
    sequence = store.sequence(0)
    steps = sequence.steps
    assert {"position", "char_start", "char_end", "section", "kind"} <= set(steps.column_names)
    assert steps["position"].to_pylist() == list(range(len(steps)))
    start, end = steps["char_start"][5].as_py(), steps["char_end"][5].as_py()
    assert sequence.text is not None
    assert sequence.text[start:end].strip()


def test_the_dictionaries_learnt_the_temporal_split(run):
    sae = st.load(run / "temporal_matryoshka")
    assert sae.groups == (26, 128)
    assert sae.provenance["site"] == "encoder.layer.3"
    losses = [
        json.loads(line)["loss_temporal_contrastive"]
        for line in (run / "temporal_matryoshka" / "metrics.jsonl").read_text().splitlines()
    ]
    assert losses[-1] < losses[0]


def test_its_features_have_a_history(run):
    for name in ("batch_topk", "temporal_matryoshka", "temporal_feature_analysis", "delta"):
        index = st.open_index(run / name / "features")
        stages = index.history(3)
        assert stages["step"].to_pylist() == [1, 6, 40], name
        assert stages["cosine"].to_pylist()[-1] == pytest.approx(1), name
    assert DemoSettings().train.snapshots == 6


def test_a_second_call_skips_what_is_finished(run):
    before = stamps(run)
    page = demo(run, overrides=SMALL)
    assert page == run / "report.html"
    assert stamps(run) == before


def test_another_run_is_refused_and_force_begins_again(run, tmp_path):
    with pytest.raises(StoreError, match="holds a demo run with other settings"):
        demo(run, overrides={**SMALL, "dictionary.k": 4})
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(StoreError, match=r"is not empty and holds no demo run: it has mine\.txt"):
        demo(tmp_path, overrides=SMALL)
    with pytest.raises(StoreError, match=r"it has mine\.txt\. --force empties demo runs alone"):
        demo(tmp_path, overrides=SMALL, force=True)
    assert (tmp_path / "mine.txt").read_text() == "precious"


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        ({"dictionary.k": 500}, ConfigError, "k is 500 and larger than the width, 128"),
        ({"capture.site": "encoder.layer.33"}, UnknownNameError, "encoder.layer.3"),
        ({"dictionary.recipes": {"topkk": {}}}, UnknownNameError, "unknown recipe 'topkk'"),
        ({"train.rowz": 1}, ConfigError, "unknown key 'train.rowz'"),
    ],
)
def test_a_wrong_setting_leaves_no_folder(tmp_path, wrong, error, text):
    with pytest.raises(error, match=text):
        demo(tmp_path / "new", overrides={**SMALL, **wrong})
    assert not Path(tmp_path / "new").exists()
