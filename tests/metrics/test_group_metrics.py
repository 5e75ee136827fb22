"""Metrics of each group of sequences, probes between groups, and the sentence on their data."""

import numpy as np
import pytest
from known_codes import Itself, make_store

import sparsetime as st
from sparsetime.activations.store.provenance import provenance
from sparsetime.errors import DataError, UnknownNameError
from sparsetime.metrics.evaluation_report import EvaluationReport
from sparsetime.statistics.linear_probe import group_probe_split


@pytest.fixture
def store(tmp_path):
    """Eight recordings of four subjects; a recording's first latent says its subject only."""
    rng = np.random.default_rng(0)
    x = [np.abs(rng.normal(size=(80, 4))) for _ in range(8)]
    path = make_store(tmp_path / "store", x).path
    ids = st.open_store(path).labels["id"].to_pylist()
    rows = [{"id": n, "subject": f"s{i // 2}", "ill": i // 2 < 2} for i, n in enumerate(ids)]
    return st.annotate(path, labels=rows)


def evaluate(sae, store, **other):
    return st.evaluate(sae, store, progress=False, **other)


def test_metrics_of_a_group_are_those_of_its_part(store, tmp_path):
    report = evaluate(Itself(4), store, metrics=["fvu", "l0"], by="subject", out=tmp_path / "out")
    assert list(report.groups) == ["s0", "s1", "s2", "s3"]
    alone = evaluate(Itself(4), store.where(subject="s2"), metrics=["fvu", "l0"])
    for name in ("fvu", "l0"):
        assert report.groups["s2"][name].value == alone[name].value
    read = EvaluationReport.load(tmp_path / "out")
    assert read.groups.keys() == report.groups.keys()
    assert read.groups["s2"]["l0"].value == report.groups["s2"]["l0"].value
    assert read.about["by"] == "subject"


def test_every_number_says_what_it_was_measured_on(store):
    def sentence(view, trained_on):
        sae = Itself(4)
        if trained_on is not None:
            sae.provenance["trained_on"] = provenance(trained_on)
        return evaluate(sae, view, metrics="l0")["l0"].details["measured_on"]

    train, held_out = st.split(store, label="subject", groups=["s1"])
    where = "held out: subject s1 (1 of 4 groups, 2 of 8 sequences)"
    assert sentence(held_out, train) == f"{where}; not trained on"
    assert sentence(held_out, store) == (
        f"{where}; 100% of the steps were trained on, so this is no held-out number"
    )
    assert sentence(store, train).startswith("8 sequences; 75% of the steps were trained on")
    assert sentence(store, None) == "8 sequences; whether they were trained on is not recorded"


def test_a_group_that_training_saw_says_so(store):
    train, _ = st.split(store, label="subject", groups=["s1"])
    sae = Itself(4)
    sae.provenance["trained_on"] = provenance(train)
    groups = evaluate(sae, store, metrics="l0", by="subject").groups
    assert groups["s1"]["l0"].details["measured_on"] == "subject s1; not trained on"
    assert "100% of the steps were trained on" in groups["s0"]["l0"].details["measured_on"]


def test_probes_between_groups_do_not_recognise_the_subject(tmp_path):
    """The code identifies the recording and says nothing of the label: chance between subjects."""
    rng = np.random.default_rng(1)
    x = [np.eye(16)[i] + 0.01 * np.abs(rng.normal(size=(160, 16))) for i in range(16)]
    path = make_store(tmp_path / "store", x).path
    ids = st.open_store(path).labels["id"].to_pylist()
    ill = rng.permutation(16) % 2 == 0
    rows = [{"id": n, "subject": n, "ill": bool(ill[i])} for i, n in enumerate(ids)]
    store = st.annotate(path, labels=rows)
    within = evaluate(Itself(16), store, metrics="slow_probe", slow_label="ill")["slow_probe"]
    between = evaluate(Itself(16), store, metrics="slow_probe", slow_label="ill", by="subject")[
        "slow_probe"
    ]
    assert within.value > 0.99
    assert within.details["fitted_on"] == "other blocks of time of the same sequences"
    assert between.value < 0.8
    assert between.details["fitted_on"] == "the other half of the groups of 'subject'"


def test_a_split_by_groups_has_no_group_on_both_sides():
    labels = np.array(["a", "b"] * 40, dtype=object)
    groups = [str(n // 2) for n in range(8)]
    of_row = np.repeat(groups, 10)
    split = group_probe_split(labels, [10] * 8, groups, seed=0)
    assert not set(of_row[split.train]) & set(of_row[split.test])
    assert len(split.train) + len(split.test) == 80
    own = np.repeat(np.array(groups, dtype=object), 10)
    assert group_probe_split(own, [10] * 8, groups, seed=0) is None, "no class on both sides"


def test_labels_that_do_not_fit(store):
    with pytest.raises(UnknownNameError, match="unknown sequence label 'subjct'"):
        evaluate(Itself(4), store, by="subjct")
    partly = st.annotate(store, labels=[{"id": store.labels["id"][0].as_py(), "device": "x"}])
    with pytest.raises(DataError, match="7 of 8 sequences without the label 'device'"):
        evaluate(Itself(4), partly, by="device")
