"""WordJudge: scores continuations by weights of their words, given or learnt from examples."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.errors import DataError

_WORD = re.compile(r"[^\W\d_]+")


@final
@dataclass(frozen=True, eq=False)
class WordJudge:
    """Scores a text by the weights of its words, in lower case.

        score = sum of the weights of its words / number of its words;  0 for a text without words

    weights: by word; any other word has 0.
    """

    weights: Mapping[str, float] = field(repr=False)

    def __call__(self, texts: Sequence[str]) -> Float[np.ndarray, " texts"]:
        return np.array([self._score(words_of(text)) for text in texts])

    def _score(self, words: Sequence[str]) -> float:
        return sum(self.weights.get(word, 0.0) for word in words) / max(len(words), 1)

    @staticmethod
    def of_words(words: Sequence[str]) -> WordJudge:
        """Weight 1 for each: the score is their share. Errors: DataError for no words."""
        found = [word for text in words for word in words_of(text)]
        if not found:
            raise DataError(f"got no words in {list(words)!r}, expected some to be counted")
        return WordJudge(dict.fromkeys(found, 1.0))

    @staticmethod
    def of_examples(target: Sequence[str], other: Sequence[str], least: int = 2) -> WordJudge:
        """Weights are log odds of naive Bayes, of words that stand in at least `least` examples.

            w = log((n_target + 1) / (N_target + V)) - log((n_other + 1) / (N_other + V))

        n: occurrences of the word, N: of all V words. Errors: DataError where no word occurs so
        often.
        """
        documents = Counter(w for text in (*target, *other) for w in set(words_of(text)))
        kept = [word for word, count in sorted(documents.items()) if count >= least]
        if not kept:
            raise DataError(
                f"got examples that share no word between {least} of them; give more examples"
            )
        logs = []
        for texts in (target, other):
            counts = Counter(word for text in texts for word in words_of(text))
            whole = sum(counts[word] for word in kept) + len(kept)
            logs.append(np.log([(counts[word] + 1) / whole for word in kept]))
        return WordJudge(dict(zip(kept, (logs[0] - logs[1]).tolist(), strict=True)))

    def token_weights(self, tokenizer: Any) -> Float[Tensor, " vocabulary"]:
        """The weight of every token that is a whole word; 0 for all others."""
        texts = (str(tokenizer.decode([token])) for token in range(len(tokenizer)))
        return torch.tensor([self.weights.get(text.strip().lower(), 0.0) for text in texts])


def words_of(text: str) -> list[str]:
    """The words of a text: runs of letters, in lower case."""
    return [word.lower() for word in _WORD.findall(text)]


def distinct_words(texts: Sequence[str]) -> Float[np.ndarray, " texts"]:
    """Different words / words of each text; 0 for one without words. It falls with repetition."""
    listed = [words_of(text) for text in texts]
    return np.array([len(set(words)) / max(len(words), 1) for words in listed])
