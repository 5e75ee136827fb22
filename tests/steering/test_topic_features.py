"""Topic scores of features, on texts whose embeddings are known."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from sparsetime.errors import ConfigError, MismatchError
from sparsetime.steering import topic_scores

EMBEDDINGS = np.array([[1.0, 0], [1, 0], [0, 1], [0, 1]])
TOPIC = np.array([1.0, 0])


def test_a_feature_is_as_near_as_the_texts_it_fires_on():
    codes = np.array([[2.0, 0, 1, 0], [1, 0, 1, 0], [0, 3, 1, 0], [0, 1, 1, 0]])
    for given in (codes, csr_matrix(codes)):
        scores = topic_scores(given, EMBEDDINGS, TOPIC)
        assert scores.tolist() == pytest.approx([1, -1, 0, 0], abs=1e-9)


def test_only_the_largest_activations_stand_for_a_feature():
    codes = np.array([[0.1], [0.1], [0.2], [5]])
    embeddings = np.array([[1.0, 0], [1, 0], [1, 0], [0, 1]])
    assert topic_scores(codes, embeddings, TOPIC, top=1)[0] == pytest.approx(-1)
    many = topic_scores(np.array([[1.0], [1], [1], [0.1]]), embeddings, TOPIC, top=3)
    assert many[0] == pytest.approx(1)


def test_what_does_not_fit_is_refused():
    with pytest.raises(MismatchError, match="codes of 3 texts"):
        topic_scores(np.ones((3, 2)), EMBEDDINGS, TOPIC)
    with pytest.raises(MismatchError, match="a topic of width 3"):
        topic_scores(np.ones((4, 2)), EMBEDDINGS, np.ones(3))
    with pytest.raises(ConfigError, match="got top=0"):
        topic_scores(np.ones((4, 2)), EMBEDDINGS, TOPIC, top=0)
