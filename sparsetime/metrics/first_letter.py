"""First-letter task: absorption of "begins with s" and its kin by latents of single words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import DataError, MismatchError
from sparsetime.metrics.absorption import Absorption, absorption, fit_concept_probe, main_latents

_SPACES = " \u0120\u2581"  # as tokenizers write the space before a word


@final
@dataclass(frozen=True)
class FirstLetterAbsorption:
    """Absorption of first letters in a dictionary.

    rate, silent: means over letters of those of `Absorption`. letters: the result by letter, of
    those with enough words in both halves.
    """

    rate: float
    silent: float
    letters: Mapping[str, Absorption]


def first_letter_absorption(
    dictionary: Dictionary,
    x: Float[Tensor, "rows d"],
    tokens: Sequence[str],
    *,
    least: int = 50,
) -> FirstLetterAbsorption:
    """How often latents of single words take over the latent of their first letter.

        rate = mean over letters of `absorption`'s rate for the concept "begins with this letter"

    tokens: the token of each row as text; only those that begin a word count, which is a space, or
    the tokenizer's mark for one, before a Latin letter; capitals count as small letters. Probes and
    main latents are found on the rows of every other word, and absorption is scored on those of the
    other words, so that no word is in both. least: rows that a letter needs in each half.

    Source: Chanin et al. 2024, A is for Absorption, arXiv:2409.14507, whose probe is the same, and
    whose words stand alone in a prompt.

    Errors: MismatchError for another number of tokens than rows; DataError where no letter has
    enough rows.
    """
    if len(tokens) != len(x):
        raise MismatchError(f"got {len(tokens)} tokens for {len(x)} rows, expected one a row")
    letters = np.array([first_letter(token) for token in tokens])
    begins = letters != ""
    small = [token[1:].lower() for token, is_word in zip(tokens, begins, strict=True) if is_word]
    words, word = np.unique(np.array(small, dtype=str), return_inverse=True)
    is_fitted = (word % 2 == 0).tolist() if len(words) else []
    rows, own = x[torch.from_numpy(begins)], letters[begins]
    fitted = torch.tensor(is_fitted, dtype=torch.bool)
    results = {}
    for letter in ascii_lowercase:
        concept = torch.from_numpy(own == letter)
        halves = concept & fitted, concept & ~fitted
        if min(int(half.sum()) for half in halves) < least:
            continue
        probe = fit_concept_probe(rows[fitted], concept[fitted])
        main = main_latents(dictionary, rows[fitted], concept[fitted])
        try:
            results[letter] = absorption(dictionary, probe, main, rows[~fitted], concept[~fitted])
        except DataError:  # the probe, fitted on other words, sees the letter on none
            continue
    if not results:
        raise DataError(
            f"got {len(words)} words on {len(rows)} rows, of which no letter is on {least} rows of "
            f"each half with a probe that sees it; give more rows, or a smaller `least`"
        )
    return FirstLetterAbsorption(
        float(np.mean([one.rate for one in results.values()])),
        float(np.mean([one.silent for one in results.values()])),
        results,
    )


def first_letter(token: str) -> str:
    """The first letter, small, of a token that begins a word with a Latin letter; "" for others."""
    begins = token[:1] in _SPACES and token[:1] != ""
    letter = token[1:2].lower()
    return letter if begins and letter in ascii_lowercase else ""
