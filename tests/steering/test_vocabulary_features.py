"""ReasonScore of features, on codes whose activations near words are known."""

import numpy as np
import pytest
import torch

from sparsetime.codes import SparseCode
from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.steering import near_words, vocabulary_scores


def of_dense(dense):
    return SparseCode.from_dense(torch.tensor(dense, dtype=torch.float32))


def test_a_feature_that_fires_near_all_words_scores_highest():
    # Near the words 0 and 2: feature 0 near both, 1 near one of them, 2 far from both, 3 anywhere.
    code = of_dense([[1.0, 1, 0, 1], [1, 0, 0, 1], [0, 0, 1, 1], [0, 0, 1, 1]])
    scores = vocabulary_scores(code, np.array([0, 2, -1, -1]))
    near, far = np.array([2, 1, 0, 2]) / 5, np.array([0, 0, 2, 2]) / 4
    np.testing.assert_allclose(scores, near * [1, 0, 0, 1] - far, atol=1e-9)


def test_the_entropy_is_over_means_of_each_word():
    # The word 1 is near three rows and the word 0 near one: rates count, and not sums.
    code = of_dense([[3.0], [1], [1], [1], [0]])
    p = 3 / 4
    entropy = -(p * np.log(p) + (1 - p) * np.log(1 - p)) / np.log(2)
    word = np.array([0, 1, 1, 1, -1])
    assert vocabulary_scores(code, word) == pytest.approx([entropy**0.7])
    assert vocabulary_scores(code, word, power=0) == pytest.approx([1])


def test_windows_around_words():
    word = np.array([-1, -1, -1, 4, -1, -1, -1, -1, -1, 7, -1, -1])
    near = near_words(word, np.array([8, 4]))
    assert near.tolist() == [-1, 4, 4, 4, 4, 4, 4, -1, 7, 7, 7, 7]
    # The nearer of two words counts, and of two as near the earlier.
    near = near_words(np.array([1, -1, -1, -1, 2]), np.array([5]), before=3, after=3)
    assert near.tolist() == [1, 1, 1, 2, 2]
    assert near_words(word, np.array([8, 4]), before=0, after=0).tolist() == word.tolist()


def test_what_does_not_fit_is_refused():
    code = of_dense([[1.0], [1.0], [1.0]])
    with pytest.raises(MismatchError, match="a code of 3 rows and words of 2"):
        vocabulary_scores(code, np.array([0, 1]))
    for word in ([0, 0, -1], [0, 1, 0]):
        with pytest.raises(DataError, match="expected at least 2 words, and rows near none"):
            vocabulary_scores(code, np.array(word))
    with pytest.raises(ConfigError, match="got power=-1"):
        vocabulary_scores(code, np.array([0, 1, -1]), power=-1)
    with pytest.raises(MismatchError, match="texts of 4 rows and words of 3"):
        near_words(np.array([0, 1, -1]), np.array([4]))
    with pytest.raises(ConfigError, match="got before=-1 and after=3"):
        near_words(np.array([0, 1, -1]), np.array([3]), before=-1)
