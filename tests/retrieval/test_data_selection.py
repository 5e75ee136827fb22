"""Data selection by the similarity of pooled codes to those of examples."""

from __future__ import annotations

import numpy as np
import pytest
from known_codes import Itself, make_store
from scipy.sparse import csr_matrix

from sparsetime import seeds
from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.retrieval import select_data, similarity_to_examples


def test_jaccard_is_what_two_codes_share_of_what_either_has():
    pool = np.array([[1.0, 0, 3], [0, 0, 0], [0, 5, 0], [2, 1, 0]])
    examples = np.array([[2.0, 0, 0], [2, 2, 0]])  # their mean is (2, 1, 0)
    expected = [1 / 6, 0, 1 / 7, 1]
    for given in (pool, csr_matrix(pool)):
        assert similarity_to_examples(given, examples).tolist() == pytest.approx(expected)
    assert similarity_to_examples(-pool, examples).tolist() == pytest.approx(expected)


def test_cosine_is_that_with_the_mean_of_the_examples():
    pool, examples = np.array([[1.0, 0], [0, -2], [0, 0]]), np.array([[3.0, 4.0], [3.0, 4.0]])
    assert similarity_to_examples(pool, examples, "cosine").tolist() == pytest.approx(
        [0.6, -0.8, 0]
    )


def test_a_centred_cosine_is_that_of_what_exceeds_the_pool():
    rng = seeds.numpy_generator(0, "random inputs")
    pool = rng.random((8, 5)) * (rng.random((8, 5)) < 0.6)
    root, wanted = np.sqrt(pool), np.sqrt(pool[:2]).mean(0) - np.sqrt(pool).mean(0)
    around = root - root.mean(0)
    expected = around @ wanted / (np.linalg.norm(around, axis=1) * np.linalg.norm(wanted))
    for given in (pool, csr_matrix(pool)):
        made = similarity_to_examples(given, given[:2], "centred cosine", power=0.5)
        assert made == pytest.approx(expected)


def test_segments_like_the_examples_are_selected(tmp_path):
    rows = [np.eye(4)[[number % 2] * 6] * (1 + number) for number in range(6)]
    store = make_store(tmp_path / "pool", rows)
    examples = store.of_sequences(np.array([1, 3]))
    made = select_data(Itself(4), store, examples, 4, steps=3, progress=False)
    odd = [str(one) for one in store.sequences["id"].to_pylist()[1::2]]
    assert set(made.sequences) <= set(odd) and len(made.sequences) == 4
    assert made.lengths.tolist() == [3] * 4
    assert sorted(made.first.tolist()) == [0, 0, 3, 3]
    assert (np.diff(made.scores) <= 0).all()
    with pytest.raises(ConfigError, match="got count=13, expected 1 to the 12 segments"):
        select_data(Itself(4), store, examples, 13, steps=3, progress=False)
    # Before the pool is encoded.
    with pytest.raises(ConfigError, match="got similarity='dot' and power=1"):
        select_data(None, store, examples, 1, similarity="dot")
    with pytest.raises(ConfigError, match="got count=0, expected at least 1 segment"):
        select_data(None, store, examples, 0)


def test_what_cannot_be_compared_is_refused():
    pool = np.ones((2, 3))
    with pytest.raises(ConfigError, match="got similarity='dot' and power=1"):
        similarity_to_examples(pool, pool, "dot")
    with pytest.raises(MismatchError, match="a pool of width 3 and examples of width 2"):
        similarity_to_examples(pool, pool[:, :2])
    with pytest.raises(DataError, match="got no examples"):
        similarity_to_examples(pool, pool[:0])
