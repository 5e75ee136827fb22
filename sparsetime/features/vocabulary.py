"""Words of a text and the word of every step, for any tokenizer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Bool, Int

from sparsetime.features.step_text import has_offsets

if TYPE_CHECKING:
    from sparsetime.activations.store.stored_sequence import StoredSequence

# A word is letters, digits and underscores, with inner apostrophes; else one character that is
# not white space.
_WORD = re.compile(r"\w+(?:['\u2019]\w+)*|[^\w\s]")
# Scripts that put no spaces between words: Thai, Lao, Tibetan, Myanmar, Khmer, Japanese, Chinese.
_UNSPACED = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
#: Steps that one word may hold. Proteins, DNA and the like have no spaces, so their "words" hold
#: whole sequences; English words hold more than this only where a token is a letter.
MOST_STEPS = 8


@final
@dataclass(frozen=True)
class TextWords:
    """The words of one text and the word of every step.

    In text without spaces each token is a word: where a word would hold more than MOST_STEPS steps,
    and in scripts that do not put spaces between words.

    start, end: int64 [words], characters; of_step: int64 [time], the word of every step, -1 for a
    step that covers white space only; is_token: bool [words], whether the word is a token.
    """

    text: str
    start: Int[np.ndarray, " words"]
    end: Int[np.ndarray, " words"]
    of_step: Int[np.ndarray, " time"]
    is_token: Bool[np.ndarray, " words"]

    def word(self, number: int) -> str:
        """The word as it stands in the text."""
        return self.text[self.start[number] : self.end[number]]


def text_words(stored: StoredSequence) -> TextWords | None:
    """The words of a stored text; None where the sequence has no text or no character spans."""
    if stored.text is None or not has_offsets(stored):
        return None
    spans = [match.span() for match in _WORD.finditer(stored.text)]
    start, end = np.array(spans, dtype=np.int64).reshape(-1, 2).T
    first = stored.steps["char_start"].to_numpy().astype(np.int64)
    last = stored.steps["char_end"].to_numpy().astype(np.int64)
    # Tokenizers differ in which side keeps the space, so the word is looked for at the token's
    # last character and then at its first.
    at_end = _word_at(last - 1, start, end)
    of_step = np.where(at_end >= 0, at_end, _word_at(first, start, end))
    steps = np.bincount(of_step[of_step >= 0], minlength=len(start))
    unspaced = [_UNSPACED.search(stored.text, *span) is not None for span in spans]
    split = (steps > 1) & ((steps > MOST_STEPS) | np.array(unspaced, dtype=bool))
    return _split_words(TextWords(stored.text, start, end, of_step, split), first, last)


def _split_words(
    words: TextWords, first: Int[np.ndarray, " time"], last: Int[np.ndarray, " time"]
) -> TextWords:
    """Each step of the words that `is_token` marks as a word of its own.

    first, last: the characters of the steps.
    """
    alone = (words.of_step >= 0) & words.is_token[words.of_step]
    if not alone.any():
        return words
    kept = ~words.is_token
    start = np.concatenate([words.start[kept], first[alone]])
    end = np.concatenate([words.end[kept], last[alone]])
    order = np.lexsort((end, start))  # words are numbered as they stand in the text
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    of_step = words.of_step.copy()
    of_kept = np.cumsum(kept) - 1
    whole = (of_step >= 0) & ~alone
    of_step[whole] = place[of_kept[of_step[whole]]]
    of_step[alone] = place[kept.sum() + np.arange(alone.sum())]
    is_token = np.arange(len(order)) >= kept.sum()
    return TextWords(words.text, start[order], end[order], of_step, is_token[order])


def _word_at(
    character: Int[np.ndarray, " time"],
    start: Int[np.ndarray, " words"],
    end: Int[np.ndarray, " words"],
) -> Int[np.ndarray, " time"]:
    word = np.searchsorted(start, character, side="right") - 1
    inside = (word >= 0) & (character < np.append(end, 0)[word])
    return np.where(inside, word, -1)


@final
class Vocabulary:
    """The words of a whole store, numbered in order of first occurrence.

    Words are in lower case. Tokens of text without spaces keep their case, which means something
    there: amino acids are capitals, and masked bases of DNA are not.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._of_steps: list[Int[np.ndarray, " time"]] = []
        self.has_text = False

    def add(self, stored: StoredSequence) -> None:
        """Add the words of the next sequence."""
        words = text_words(stored)
        if words is None:
            self._of_steps.append(np.full(stored.steps.num_rows, -1, dtype=np.int64))
            return
        self.has_text = True
        names = [
            words.word(i).strip() if is_token else words.word(i).lower()
            for i, is_token in enumerate(words.is_token.tolist())
        ]
        numbers = [self._numbers.setdefault(name, len(self._numbers)) for name in names]
        self._of_steps.append(np.array([*numbers, -1], dtype=np.int64)[words.of_step])

    @property
    def words(self) -> list[str]:
        return list(self._numbers)

    @property
    def of_row(self) -> Int[np.ndarray, " rows"]:
        """The word of every step of all added sequences, -1 for none."""
        return np.concatenate([np.empty(0, dtype=np.int64), *self._of_steps])
