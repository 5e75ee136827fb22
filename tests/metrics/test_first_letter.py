"""First-letter task on words whose letters and identities are planted directions."""

import pytest
import torch

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import L1, MSE, Objective
from sparsetime.dictionaries.sparsifiers import ReLU
from sparsetime.errors import DataError, MismatchError
from sparsetime.metrics import first_letter_absorption
from sparsetime.metrics.first_letter import first_letter

WORDS = [f" {letter}{number}" for letter in "ab" for number in range(8)]
D = 2 + len(WORDS)
TOKENS = WORDS * 6


def rows():
    """Each word is its letter's direction plus its own."""
    x = torch.zeros(len(TOKENS), D)
    for row, token in enumerate(TOKENS):
        x[row, "ab".index(token[1])] = 1
        x[row, 2 + WORDS.index(token)] = 1
    return x


def dictionary(absorbed):
    """Axes as atoms; latents of the absorbed words hold their letter, whose latent they silence."""
    read, written = torch.eye(D), torch.eye(D)
    for token in absorbed:
        word, letter = 2 + WORDS.index(token), "ab".index(token[1])
        read[letter, word] = -4
        read[word] *= 2**0.5
        written[word, letter] = 1
        written[word] /= 2**0.5
    objective = Objective([MSE(), L1(0.1)])
    sae = Dictionary(LinearEncoder(D, D), ReLU(), UnitNormDecoder(D, D), objective)
    sae.encoder.load_state_dict({"weight": read, "bias": torch.full((D,), -0.1)})
    sae.decoder.load_state_dict({"weight": written, "bias": torch.zeros(D)})
    return sae


def test_absorbed_words_are_counted_in_the_half_that_is_scored():
    none = first_letter_absorption(dictionary([]), rows(), TOKENS, least=10)
    assert none.rate == 0
    assert set(none.letters) == {"a", "b"}
    # Words are sorted, so those of odd numbers are scored: two of four of each letter.
    some = first_letter_absorption(
        dictionary([" a1", " a3", " b5", " b7"]), rows(), TOKENS, least=10
    )
    assert {letter: one.rate for letter, one in some.letters.items()} == {"a": 0.5, "b": 0.5}
    assert some.rate == some.silent == 0.5


def test_a_word_with_a_capital_is_in_the_half_of_the_small_one():
    x = torch.eye(D)[:2].repeat(60, 1)
    with pytest.raises(DataError, match="got 1 words on 120 rows"):
        first_letter_absorption(dictionary([]), x, [" apple", " Apple"] * 60, least=10)


def test_only_tokens_that_begin_a_word_have_a_letter():
    tokens = [" Snake", "\u0120snake", "snake", " 3", "", " ", "\u2581Zoo"]
    assert [first_letter(token) for token in tokens] == ["s", "s", "", "", "", "", "z"]


def test_too_few_words_are_refused():
    with pytest.raises(MismatchError, match="got 1 tokens for 96 rows, expected one a row"):
        first_letter_absorption(dictionary([]), rows(), TOKENS[:1])
    with pytest.raises(DataError, match="got 16 words on 96 rows, of which no letter is on 50"):
        first_letter_absorption(dictionary([]), rows(), TOKENS)
