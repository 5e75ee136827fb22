"""Occurrences of words in the texts of a store, as steps of its sequences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Int

from sparsetime.features.step_text import has_offsets

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.activations.store.stored_sequence import StoredSequence


@final
@dataclass(frozen=True)
class WordCounts:
    """How often words occur in some sequences.

    pattern: a regular expression that matches the words in any case. count: [sequences].
    within_words: whether they occur within longer words only, as residues do in a protein.
    """

    pattern: str
    count: Int[np.ndarray, " sequences"]
    within_words: bool


def count_words(store: Store, sequences: Sequence[int], words: str) -> WordCounts:
    """Occurrences of `words`, as written, in the texts of these sequences of the whole store.

    They are not searched within longer words (river, but not driver), unless they occur nowhere
    else, as in text without spaces.
    """
    import pyarrow.compute as pc

    places = np.searchsorted(store.sequence_indices, np.asarray(sequences))
    texts = store.sequences["text"].take(places)

    def counted(pattern: str) -> Int[np.ndarray, " sequences"]:
        counts = pc.count_substring_regex(texts, pattern, ignore_case=True)
        return np.asarray(counts.fill_null(0).to_numpy())

    whole, anywhere = _whole_words(words), re.escape(words)
    count = counted(whole)
    if count.any() or whole == anywhere:
        return WordCounts(whole, count, within_words=False)
    count = counted(anywhere)
    return WordCounts(anywhere, count, within_words=bool(count.any()))


def occurrences(stored: StoredSequence, pattern: str) -> list[tuple[int, int]]:
    """The first step of each match of a pattern, and the step after its last."""
    if stored.text is None or not has_offsets(stored):
        return []
    begins: Int[np.ndarray, " steps"] = stored.steps["char_start"].to_numpy()
    ends: Int[np.ndarray, " steps"] = stored.steps["char_end"].to_numpy()
    steps = []
    for match in re.finditer(pattern, stored.text, re.IGNORECASE):
        first = int(np.searchsorted(ends, match.start(), side="right"))
        stop = int(np.searchsorted(begins, match.end(), side="left"))
        if first < stop:
            steps.append((first, stop))
    return steps


def _whole_words(words: str) -> str:
    """A pattern that matches no part of a longer word."""
    edges = (words[0], words[-1])
    begin, end = (r"\b" if re.match(r"\w", edge, re.ASCII) else "" for edge in edges)
    return begin + re.escape(words) + end
