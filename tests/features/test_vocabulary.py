from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from known_codes import Itself, make_store

from sparsetime.errors import DataError, MismatchError
from sparsetime.features.association import (
    contingency_table,
    information,
    over_represented,
    random_divergence,
)
from sparsetime.features.build_index import index
from sparsetime.features.contexts import feature_context
from sparsetime.features.ranking import most_informative
from sparsetime.features.vocabulary import Vocabulary, text_words

# "unhappy" comes in two pieces, "'s" stays with its word, and a line break is a step of its own.
TEXT = "An unhappy\nday's end."
SPANS = [(0, 2), (2, 5), (5, 10), (10, 11), (11, 16), (16, 20), (20, 21)]


@pytest.fixture
def store(tmp_path):
    x = np.zeros((7, 2))
    x[[1, 2, 4], 0] = [1, 4, 2]
    return make_store(tmp_path / "store", [x], texts=[(TEXT, SPANS)])


def test_pieces_belong_to_their_word(store):
    words = text_words(store.sequence(0))
    assert [words.word(i) for i in range(len(words.start))] == [
        "An", "unhappy", "day's", "end", "."
    ]  # fmt: skip
    assert words.of_step.tolist() == [0, 1, 1, -1, 2, 3, 4]


def letters(text):
    """A token for each letter."""
    return [(i, i + 1) for i in range(len(text)) if not text[i].isspace()]


PROTEIN = "MKTAYIAKQRQISFVKSHFSRQ"


@pytest.mark.parametrize(
    ("text", "spans", "names"),
    [
        (PROTEIN, letters(PROTEIN), list(PROTEIN)),
        ("acgtACGTNNacgt", letters("acgtACGTNNacgt"), list("acgtACGTNNacgt")),
        ("今天天气很好。", letters("今天天气很好。"), list("今天天气很好。")),
        ("吾輩は猫", [(0, 2), (2, 3), (3, 4)], ["吾輩", "は", "猫"]),
        ("The river", letters("The river"), ["the"] * 3 + ["river"] * 5),
        ("ACGT is a motif", [(0, 4), (5, 7), (8, 9), (10, 15)], ["acgt", "is", "a", "motif"]),
    ],
    ids=["protein", "DNA", "Chinese", "Japanese", "letters of English", "one token"],
)
def test_without_spaces_the_token_is_the_word(tmp_path, text, spans, names):
    """A feature of a protein is named by residues, not by whole proteins; case is kept."""
    stored = make_store(
        tmp_path / "store", [np.zeros((len(spans), 1))], texts=[(text, spans)]
    ).sequence(0)
    vocabulary = Vocabulary()
    vocabulary.add(stored)
    assert [vocabulary.words[i] for i in vocabulary.of_row.tolist()] == names
    words = text_words(stored)
    assert (np.diff(words.start) >= 0).all()


def test_words_beside_a_long_one_stay_words(tmp_path):
    text = f"The protein {PROTEIN} folds."
    spans = [(0, 3), (4, 11), *((12 + a, 12 + b) for a, b in letters(PROTEIN)), (35, 40), (40, 41)]
    stored = make_store(
        tmp_path / "store", [np.zeros((len(spans), 1))], texts=[(text, spans)]
    ).sequence(0)
    words = text_words(stored)
    shown = [words.word(i) for i in words.of_step.tolist()]
    assert shown == ["The", "protein", *PROTEIN, "folds", "."]
    assert words.is_token.tolist() == [False] * 2 + [True] * len(PROTEIN) + [False] * 2


def test_a_passage_shows_words_with_strengths(store, tmp_path):
    code = index(Itself(2), store, tmp_path / "i", progress=False).sequence(0)
    found = feature_context(store, code, 0, 0, 2)
    assert found.text == TEXT
    assert [w.text for w in found.words] == ["An", "unhappy", "\n", "day's", "end", "."]
    assert [w.activation for w in found.words] == [0, 4, 0, 2, 0, 0]
    assert [w.here for w in found.words].index(True) == 1
    assert (found.words[1].first, found.words[1].last, found.words[1].gap) == (1, 2, " ")
    near = feature_context(store, code, 0, 0, 4, around=1)
    assert [w.text for w in near.words] == ["\n", "day's", "end"]
    assert near.id == "document 0"


def test_a_passage_is_found_without_reading_activations(store, monkeypatch):
    code = Itself(2).encode(store.sequence(0).values)
    monkeypatch.setattr("sparsetime.activations.store.stored_sequence.read_rows", None)
    assert feature_context(store, code, 0, 0, 2).words


def test_a_passage_without_text_falls_back(tmp_path):
    code = Itself(1)
    tokens = make_store(tmp_path / "t", [[[1.0], [2.0]]], steps={"token": [[17, 4]]})
    found = feature_context(tokens, code.encode(tokens.sequence(0).values), 0, 0, 1)
    assert found.text == "17 4"
    bare = make_store(tmp_path / "b", [[[1.0], [2.0]]])
    assert feature_context(bare, code.encode(bare.sequence(0).values), 0, 0, 1).text == "0 1"


def test_a_passage_that_is_not_there_is_refused(store):
    code = Itself(2).encode(store.sequence(0).values)
    with pytest.raises(DataError, match="sequence 3 is not in this view of the store, which holds"):
        feature_context(store, code, 0, 3, 0)
    with pytest.raises(DataError, match="position 7 is not in sequence 'document 0', whose steps"):
        feature_context(store, code, 0, 0, 7)
    with pytest.raises(MismatchError, match="'document 0' has 7 steps and the code 2; both must"):
        feature_context(store, code.row_slice(0, 2), 0, 0, 1)


def test_pairs_count_and_sum():
    pairs = contingency_table(
        np.array([1, 0, 1, 1]), np.array([2, 0, 2, 0]), np.array([1.0, 2, 3, 4]), 3
    )
    assert pairs.feature.tolist() == [0, 1, 1]
    assert pairs.kind.tolist() == [0, 0, 2]
    assert pairs.count.tolist() == [1, 1, 2]
    assert pairs.activation.tolist() == [2, 4, 4]


def test_information_is_the_surprise_of_one_kind_less_chance():
    feature = np.zeros(1000, dtype=int)
    share = np.full(8, 1 / 8)
    always_one = contingency_table(feature, feature, np.ones(1000), 8)
    assert information(always_one, share, 2)[0] == pytest.approx(np.log(8), abs=0.02)
    assert np.isnan(information(always_one, share, 2)[1])
    at_random = contingency_table(
        feature, np.random.default_rng(5).integers(0, 8, 1000), np.ones(1000), 8
    )
    assert information(at_random, share, 2)[0] == pytest.approx(0, abs=0.01)
    none = contingency_table(feature[:0], feature[:0], np.ones(0), 8)
    assert np.isnan(information(none, share, 2)).all(), "of a dictionary that never fires"


def test_chance_follows_the_known_bias():
    # For large samples the divergence of a sample from its source is (kinds - 1) / (2 size).
    assert random_divergence(np.array([20_000.0]), np.full(101, 1 / 101))[0] == pytest.approx(
        0.0025, rel=0.2
    )
    # One draw from n equal kinds always has the divergence log n.
    assert random_divergence(np.array([1.0]), np.full(16, 1 / 16))[0] == pytest.approx(np.log(16))


def test_over_represented_by_part_of_the_divergence():
    # The feature fires on kinds 0 and 1 with equal strength; 1 is the rarer, so it stands out.
    pairs = contingency_table(np.zeros(4, int), np.array([0, 0, 1, 1]), np.ones(4), 3)
    best = over_represented(pairs, np.array([90.0, 10.0, 400.0]), 2, n=5)
    assert [one.tolist() for one in best] == [[1, 0], []]
    assert [one.tolist() for one in over_represented(pairs, np.full(3, 9.0), 1, n=1)] == [[0]]


def test_telling_features_are_specific_and_seen_often_and_not_dense():
    table = pa.table(
        {
            "count": [500, 10, 500, 500, 90_000],
            "runs": [400, 10, 20, 300, 9_000],
            "density": [0.005, 0.0001, 0.005, 0.005, 0.9],
            "word_information": [3.0, 9.0, 0.1, 0.2, 9.0],
            "document_information": [0.1, 9.0, 3.0, 0.2, 9.0],
        }
    )
    assert most_informative(table, 2).tolist() == [0, 2]
    assert most_informative(table, 30).tolist() == [0, 2, 3]
    silent = table.set_column(3, "word_information", pa.nulls(5, pa.float64()))
    assert most_informative(silent, 1).tolist() == [2]
    both = silent.set_column(4, "document_information", pa.nulls(5, pa.float64()))
    assert most_informative(both, 3).tolist() == [0, 2, 3]


def test_the_index_gives_the_rows_of_its_telling_features(tmp_path):
    rng = np.random.default_rng(0)
    words = rng.choice(["red", "blue", "green", "the"], size=(12, 100), p=[0.05, 0.15, 0.2, 0.6])
    x = np.zeros((12, 100, 3))
    x[words == "red", 0] = 1
    x[3, 10:60, 1] = 1
    x[..., 2] = rng.random((12, 100)) < 0.08
    store = make_store(tmp_path / "s", list(x), texts=[" ".join(row) for row in words])
    made = index(Itself(3), store, tmp_path / "i", progress=False)
    found = made.most_informative(2)
    assert found["feature"].to_pylist() == [0, 1]
    assert found["words"].to_pylist()[0] == ["red"]
    unspecific = made.features["word_information"].to_numpy()[2]
    assert abs(unspecific) < 0.05 < made.features["word_information"].to_numpy()[0]
