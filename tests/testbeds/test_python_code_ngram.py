"""The n-gram model: a distribution, by hand, and better with more context."""

import numpy as np
import pytest

from sparsetime.errors import ConfigError, DataError
from sparsetime.testbeds.python_code.ngram import NGram

RANDOM = np.random.default_rng(0)


def chain(length: int) -> np.ndarray:
    """Tokens 1 to 6, each nine times of ten the one after the token before last."""
    tokens = [1, 4]
    while len(tokens) < length:
        follows = tokens[-2] % 6 + 1
        tokens.append(follows if RANDOM.random() < 0.9 else int(RANDOM.integers(1, 7)))
    return np.array(tokens)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_probabilities_of_what_may_follow_sum_to_one(order):
    model = NGram([chain(40), chain(25)], order, vocabulary=8)
    for before in ([], [1], [1, 2], [7, 7], [3, 7]):
        each = [np.array([*before, token]) for token in range(8)]
        total = sum(np.exp(model.log_probabilities([tokens])[-1]) for tokens in each)
        assert total == pytest.approx(1)


def test_a_bigram_model_by_hand():
    # a b a c: bigrams 0a ab ba ac, each once, so the discount of pairs is 4 / (4 + 0) = 1, and
    # all is left to single tokens: a ends two different pairs, b and c one each. There n1 = 2 and
    # n2 = 1, so the discount is 2 / 4, and (3 * 0.5) / 4 is spread over 4 tokens.
    model = NGram([np.array([1, 2, 1, 3])], 2, vocabulary=4)
    single = {1: (2 - 0.5) / 4 + 0.375 / 4, 2: 0.5 / 4 + 0.375 / 4, 0: 0.375 / 4}
    found = np.exp(model.log_probabilities([np.array([1, 2]), np.array([2]), np.array([1, 0])]))
    np.testing.assert_allclose(found, [single[t] for t in (1, 2, 2, 1, 0)])


def test_perplexity_is_that_of_the_source_and_context_helps():
    training, held_out = [chain(20_000)], [chain(5_000)]
    one, two, three = (NGram(training, n, 8).perplexity(held_out) for n in (1, 2, 3))
    p = 0.9 + 0.1 / 6
    entropy = -(p * np.log(p) + (1 - p) * np.log(0.1 / 6))
    assert three == pytest.approx(np.exp(entropy), rel=0.06)
    assert one == pytest.approx(6, rel=0.02)
    assert two > 1.5 * three


def test_what_cannot_be_counted_is_refused():
    with pytest.raises(ConfigError, match=r"6-grams of 4096 tokens.*order of 1 to 5"):
        NGram([np.array([1])], 6, 4096)
    with pytest.raises(DataError, match="no tokens to count"):
        NGram([np.array([], dtype=np.int64)], 2, 4)
