"""Pooled codes predict labels of held-out recordings, and find segments by edited queries."""

from __future__ import annotations

import numpy as np
import pytest
from known_codes import Itself, make_store
from typer.testing import CliRunner

import sparsetime as st
from sparsetime import seeds
from sparsetime.cli import app
from sparsetime.errors import ConfigError, DataError
from sparsetime.retrieval.classify import macro_f1
from sparsetime.retrieval.pooled_segments import segment_lengths

WIDTH, TOPICS = 8, 3


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Twelve recordings of three topics; feature t fires more in topic t."""
    rng = seeds.numpy_generator(0, "planted codes")
    rows, labels, loud, tokens = [], [], [], []
    for number in range(12):
        x = (rng.random((40, WIDTH)) < 0.05) * rng.random((40, WIDTH))
        x[:, number % TOPICS] += rng.random(40) < 0.5
        rows.append(x)
        labels.append({"topic": "abc"[number % TOPICS], "title": f"n{number}"})
        loud.append(rng.random(40).tolist())
        tokens.append(rng.integers(0, 5, 40).tolist())
    return make_store(
        tmp_path_factory.mktemp("topics") / "store", rows, labels=labels,
        steps={"loud": loud, "token": tokens},
    )  # fmt: skip


@pytest.mark.parametrize("binary", [False, True])
def test_codes_predict_the_topic_and_tokens_without_meaning_do_not(store, binary):
    steps = 4 if binary else 20  # in longer segments every feature is active somewhere
    found = st.classify(Itself(WIDTH), store, "topic", steps=steps, binary=binary, progress=False)
    assert found.classes == ("a", "b", "c")
    assert found.train + found.test == 480 // steps and found.test >= 6
    assert found.scores["codes"].value > (0.5 if binary else 0.9)
    assert found.scores["bag of tokens"].value < 0.7
    assert set(found.scores) == {"codes", "hidden states", "bag of tokens"}
    if not binary:
        assert found.weights[:, :TOPICS].argmax(1).tolist() == [0, 1, 2]


def test_labels_that_cannot_be_predicted_are_refused(store):
    sae = Itself(WIDTH)
    with pytest.raises(DataError, match="'loud', which is numeric, expected categories"):
        st.classify(sae, store, "loud", progress=False)
    with pytest.raises(ConfigError, match="segments of 0 steps"):
        st.classify(sae, store, "topic", steps=0, progress=False)


def test_macro_f1_is_the_mean_over_classes():
    true, predicted = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    assert macro_f1(true, predicted, 2, np.ones(4)) == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert macro_f1(true, predicted, 2, np.array([1.0, 0, 1, 1])) == 1


def test_segments_lose_no_step():
    lengths, sequence, first = segment_lengths(np.array([5, 0, 4]), 2)
    assert lengths.tolist() == [2, 2, 1, 2, 2]
    assert sequence.tolist() == [0, 0, 0, 2, 2] and first.tolist() == [0, 2, 4, 0, 2]
    assert segment_lengths(np.array([5, 3]), None)[0].tolist() == [5, 3]


def test_an_edited_query_brings_up_what_holds_the_feature(store):
    made = st.search(Itself(WIDTH), store, steps=None, progress=False)
    assert made.segments == 12
    near = [hit.segment % TOPICS for hit in made.query(0, n=3)]
    assert near == [0, 0, 0]
    edited = [hit.segment % TOPICS for hit in made.query(0, edit={0: 0, 1: 2}, n=4)]
    assert edited == [1, 1, 1, 1]
    only = made.query({2: 1.0}, n=4)
    assert [hit.segment % TOPICS for hit in only] == [2] * 4
    assert only[0].score == pytest.approx(made.scores({2: 5.0}).max()), "length does not matter"
    assert only[0].sequence == f"document {only[0].segment}" and only[0].text == ""
    with pytest.raises(ConfigError, match="got feature 8 in a query, expected 0 to 7"):
        made.query({8: 1.0})
    with pytest.raises(ConfigError, match="got segment 12, expected 0 to 11"):
        made.query(12)


def test_scores_are_cosines_of_pooled_codes(store):
    made = st.search(Itself(WIDTH), store, steps=None, progress=False)
    means = np.stack([store.sequence(n).values.numpy().mean(0) for n in range(12)])
    unit = means / np.linalg.norm(means, axis=1, keepdims=True)
    np.testing.assert_allclose(made.scores(made.query_of(3)), unit @ unit[3], rtol=1e-5)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    at = tmp_path_factory.mktemp("saved") / "topk"
    st.dictionary("topk", d_in=WIDTH, width=6, k=2).save(at)
    return at


def test_both_are_commands(store, saved):
    common = ["--dictionary", str(saved), "--store", store.path]
    result = CliRunner().invoke(app, ["classify", *common, "--label", "topic", "--steps", "20"])
    assert result.exit_code == 0 and "hidden states" in result.output, result.output
    result = CliRunner().invoke(app, ["search", *common, "--like", "0", "--edit", "1=2"])
    assert result.exit_code == 0 and "postings each" in result.output, result.output
    result = CliRunner().invoke(app, ["search", *common])
    assert result.exit_code == 2 and "got no query" in result.output
