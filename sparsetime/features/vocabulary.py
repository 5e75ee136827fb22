"""Words of a text and the word of every step, for any tokenizer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Int

from sparsetime.features.step_text import has_offsets

if TYPE_CHECKING:
    from sparsetime.activations.store.stored_sequence import StoredSequence

# A word is letters, digits and underscores, with inner apostrophes; else one character that is
# not white space.
_WORD = re.compile(r"\w+(?:['\u2019]\w+)*|[^\w\s]")


@final
@dataclass(frozen=True)
class TextWords:
    """The words of one text and the word of every step.

    start, end: int64 [words], characters; of_step: int64 [time], the word of every step, -1 for a
    step that covers white space only.
    """

    text: str
    start: Int[np.ndarray, " words"]
    end: Int[np.ndarray, " words"]
    of_step: Int[np.ndarray, " time"]

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
    return TextWords(stored.text, start, end, of_step)


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
    """The words of a whole store, in lower case, numbered in order of first occurrence."""

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
        numbers = [
            self._numbers.setdefault(words.word(i).lower(), len(self._numbers))
            for i in range(len(words.start))
        ]
        self._of_steps.append(np.array([*numbers, -1], dtype=np.int64)[words.of_step])

    @property
    def words(self) -> list[str]:
        return list(self._numbers)

    @property
    def of_row(self) -> Int[np.ndarray, " rows"]:
        """The word of every step of all added sequences, -1 for none."""
        return np.concatenate([np.empty(0, dtype=np.int64), *self._of_steps])
