from __future__ import annotations

import numpy as np
import pytest
from known_codes import Itself, make_store

from sparsetime.metrics.evaluate import evaluate
from sparsetime.statistics.linear_probe import probe_split


def labelled(tmp_path, documents=4, time=320, kinds=3, **settings):
    """The first latents say the document, the next the kind of the step, and nothing else does."""
    rng = np.random.default_rng(0)
    x = np.zeros((documents, time, documents + kinds))
    kind = rng.integers(0, kinds, (documents, time))
    for i in range(documents):
        x[i, :, i] = 1
        x[i, np.arange(time), documents + kind[i]] = 1
    column = [[f"kind {k}" for k in row] for row in kind]
    return make_store(tmp_path / "store", list(x), steps={"kind": column}, **settings)


def test_probes_find_the_document_in_the_slow_part_and_the_kind_in_the_fast(tmp_path):
    store = labelled(tmp_path)
    report = evaluate(Itself(7, groups=(4, 7)), store, ["probes"], progress=False)
    value = {name: figure.value for name, figure in report.items()}
    assert value["slow_probe"] == value["slow_probe/high"] == 1
    assert value["fast_probe"] == value["fast_probe/low"] == 1
    assert value["slow_probe/low"] == pytest.approx(1 / 4, abs=0.08)
    assert value["fast_probe/high"] == pytest.approx(1 / 3, abs=0.08)
    slow = report["slow_probe"].details
    assert slow["label"] == "document" and slow["classes"] == 4 and slow["block"] == 64
    assert slow["baseline"] == pytest.approx(1 / 4, abs=0.06)
    assert slow["interval"] == (1, 1) and slow["converged"]
    # Five blocks of 56 steps a document: two or three of them train.
    assert slow["train_steps"] + slow["test_steps"] == 4 * 5 * 56
    low = report["slow_probe/low"].details["interval"]
    assert low[0] < value["slow_probe/low"] < low[1]
    assert report["fast_probe"].details["label"] == "kind"


def test_training_and_test_steps_are_never_neighbours():
    labels = np.array(["a", "b"] * 200, dtype=object)
    split = probe_split(labels, [250, 150], seed=0)
    sequence = np.repeat([0, 1], [250, 150])
    gap = min(
        abs(int(a) - int(b)) for a in split.train for b in split.test if sequence[a] == sequence[b]
    )
    assert gap == 9


def test_sequences_of_the_same_time_train_on_the_same_blocks():
    """Three sensors, two segments: a random day has its label, and no other day does."""
    labels = np.array(["a", "b"] * 384, dtype=object)
    lengths, times = [128] * 6, np.array([0, 0, 0, 1, 1, 1])
    split = probe_split(labels, lengths, seed=0, times=times)
    day = times[np.arange(768) // 128] * 128 + np.arange(768) % 128
    assert len(split.train) == len(split.test) > 300
    assert not set(day[split.train]) & set(day[split.test])
    assert len(set(split.test_block)) == 2  # a block of one time is one block, for all sensors
    apart = probe_split(labels, lengths, seed=0)
    assert set(day[apart.train]) & set(day[apart.test])
    assert len(set(apart.test_block)) == 6


def test_short_sequences_get_shorter_blocks(tmp_path):
    store = labelled(tmp_path, time=40)
    report = evaluate(Itself(7), store, ["slow_probe"], progress=False)
    assert report["slow_probe"].details["block"] == 32
    assert report["slow_probe"].value == 1


def test_forty_classes_and_ten_thousand_steps_a_side_at_most():
    labels = np.repeat(np.arange(60), 1000).astype(str).astype(object)
    split = probe_split(labels, [1000] * 60, seed=0)
    assert split.classes == 40
    assert len(split.train) == len(split.test) == 10_000
    assert np.array_equal(split.train, probe_split(labels, [1000] * 60, seed=0).train)


def test_steps_without_a_label_are_passed_over():
    labels = np.array(["a", None, "b", None] * 100, dtype=object)
    split = probe_split(labels, [400], seed=0)
    assert all(labels[i] is not None for i in [*split.train, *split.test])


def test_a_probe_on_a_label_of_the_sequences(tmp_path):
    labels = [{"author": name} for name in ("ann", "ann", "bob", "bob")]
    store = labelled(tmp_path, labels=labels)
    report = evaluate(Itself(7), store, ["slow_probe"], slow_label="author", progress=False)
    assert report["slow_probe"].value == 1
    assert report["slow_probe"].details["classes"] == 2


def test_a_probe_without_its_label_is_left_out(tmp_path):
    store = make_store(tmp_path / "s", [np.eye(80)[:, :2] + 1.0] * 2)
    report = evaluate(Itself(2, groups=(1, 2)), store, ["fast_probe"], progress=False)
    reason = "the store has no step column 'kind' or 'token_kind'; name the column that says what"
    for name in ("fast_probe", "fast_probe/high", "fast_probe/low"):
        assert report.left_out[name].startswith(reason)
    with pytest.raises(KeyError, match="fast_probe is left out: the store has no step column"):
        report["fast_probe"]
    named = evaluate(Itself(2), store, ["probes"], fast_label="colour", progress=False)
    assert named.left_out["fast_probe"] == (
        "no step has the label 'colour': it is neither a step column nor a label of the store's "
        "sequences"
    )


def test_a_probe_with_one_class_is_left_out(tmp_path):
    steps = {"kind": [["word"] * 200]}
    store = make_store(tmp_path / "s", [np.ones((200, 2))], steps=steps)
    report = evaluate(Itself(2), store, ["probes"], progress=False)
    assert report.left_out["slow_probe"] == (
        "the label 'document' has 1 class, and a probe needs two that occur both in training and "
        "in test blocks"
    )
    assert report.left_out["fast_probe"].startswith("the label 'kind' has 1 class, and")


def test_a_part_that_never_fires_gives_the_baseline(tmp_path):
    x = np.zeros((2, 200, 2))
    x[0, :, 0] = 1
    store = make_store(tmp_path / "s", list(x))
    report = evaluate(Itself(2, groups=(1, 2)), store, ["slow_probe"], progress=False)
    assert report["slow_probe/high"].value == 1
    low = report["slow_probe/low"]
    assert low.value == low.details["baseline"]
