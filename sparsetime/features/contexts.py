"""Contexts of activating examples: the words around a step, each with the feature's activation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from sparsetime.errors import DataError, MismatchError
from sparsetime.features.vocabulary import text_words

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.activations.store.stored_sequence import StoredSequence
    from sparsetime.codes import SparseCode


@dataclass(frozen=True)
class ContextWord:
    """A word, or a step where there are no words.

    text: as in the document. gap: the text between it and the word before (a space, a line break,
    nothing). first, last: its steps, both included. activation: the largest |activation value| on
    them, 0 where the feature is inactive. here: whether it holds the example's step.
    """

    text: str
    gap: str
    first: int
    last: int
    activation: float
    here: bool


@dataclass(frozen=True)
class FeatureContext:
    """The words around one example. `sequence` is the number in the whole store."""

    feature: int
    sequence: int
    id: str
    position: int
    words: tuple[ContextWord, ...]

    @property
    def text(self) -> str:
        """The context as one string."""
        return "".join(word.gap + word.text for word in self.words).strip()


def feature_context(
    store: Store, code: SparseCode, feature: int, sequence: int, position: int, around: int = 12
) -> FeatureContext:
    """The step `position` of a sequence with up to `around` words on either side.

    `sequence` is the number in the whole store, as the index gives it; `store` may be any view
    that holds it. `code`, of shape (time,), is the sequence's own (`index.sequence(sequence)`).
    Without text the words are token ids, or the numbers of the steps where there are no tokens.

    Errors: DataError where the view lacks the sequence or the sequence the position;
    MismatchError where the code is not as long as the sequence.
    """
    stored = find_sequence(store, sequence)
    length = len(stored)  # its activations are not read
    if not 0 <= position < length:
        raise DataError(
            f"position {position} is not in sequence {stored.id!r}, whose steps are 0 to "
            f"{length - 1}"
        )
    if code.rows != length:
        raise MismatchError(
            f"sequence {stored.id!r} has {length} steps and the code {code.rows}; both must come "
            f"from one store"
        )
    events = code.latents(feature, feature + 1)
    activation = np.zeros(length)
    activation[events.row_of_entry.numpy()] = events.values.detach().abs().numpy()
    words = _words_around(stored, activation, position, around)
    return FeatureContext(feature, sequence, str(stored.id), position, tuple(words))


def find_sequence(store: Store, number: int) -> StoredSequence:
    """The sequence of this number in the whole store, from any view that holds it.

    Errors: DataError where the view lacks it.
    """
    places = np.flatnonzero(np.asarray(store.sequence_indices) == number)
    if len(places) == 0:
        raise DataError(
            f"sequence {number} is not in this view of the store, which holds "
            f"{len(store.sequence_indices)} sequences; give the whole store"
        )
    return store.sequence(int(places[0]))


def _words_around(
    stored: StoredSequence, activation: Float[np.ndarray, " time"], position: int, around: int
) -> list[ContextWord]:
    """The word of `position` and up to `around` words on either side.

    Every step is in one word: neighbouring steps of one word merge, others stand alone.
    """
    words = text_words(stored)
    word_of_step = words.of_step if words else np.full(len(activation), -1)
    changes = (word_of_step[1:] != word_of_step[:-1]) | (word_of_step[1:] < 0)
    firsts = np.flatnonzero(np.append(True, changes))
    lasts = np.append(firsts[1:], len(activation)) - 1
    peaks = np.maximum.reduceat(activation, firsts)
    at = int(np.searchsorted(firsts, position, side="right")) - 1
    tokens = stored.steps["token"] if "token" in stored.steps.column_names else None
    if words:
        start, end = stored.steps["char_start"], stored.steps["char_end"]
    context_words = []
    read = None  # the character after the word before
    begin = max(0, at - around)
    # From one word earlier, with whose end the first gap begins.
    for i in range(max(0, begin - 1), min(at + around + 1, len(firsts))):
        first, last = int(firsts[i]), int(lasts[i])
        if words:
            w = word_of_step[first]
            a = int(words.start[w]) if w >= 0 else start[first].as_py()
            b = int(words.end[w]) if w >= 0 else end[last].as_py()
            text, gap = words.text[a:b], "" if read is None else words.text[read:a]
            read = b
        else:
            text = str(first if tokens is None else tokens[first].as_py())
            gap = "" if first == 0 else " "
        if i >= begin:
            word = ContextWord(text, gap, first, last, float(peaks[i]), here=i == at)
            context_words.append(word)
    return context_words
