"""Words in the texts of a store: whole ones first, within longer ones where there are no others."""

from __future__ import annotations

import numpy as np
from known_codes import make_store

from sparsetime.features.word_occurrences import count_words, occurrences

TEXTS = ["the river and a driver", "the drive ends"]
PROTEINS = ["MKTAYIAKQRMKT", "AYIGG"]


def letters(text):
    return text, [(i, i + 1) for i in range(len(text))]


def test_whole_words_are_found_where_there_are_some(tmp_path):
    lengths = [len(text.split()) for text in TEXTS]
    store = make_store(tmp_path / "s", [np.zeros((n, 1)) for n in lengths], texts=TEXTS)
    found = count_words(store, [0, 1], "river")
    assert (found.count.tolist(), found.within_words) == ([1, 0], False)
    assert occurrences(store.sequence(0), found.pattern) == [(1, 2)]
    assert occurrences(store.sequence(1), found.pattern) == []
    assert count_words(store, [1], "THE").count.tolist() == [1]


def test_a_motif_is_found_within_a_protein(tmp_path):
    store = make_store(
        tmp_path / "s",
        [np.zeros((len(text), 1)) for text in PROTEINS],
        texts=[letters(text) for text in PROTEINS],
    )
    found = count_words(store, [0, 1], "AYI")
    assert (found.count.tolist(), found.within_words) == ([1, 1], True)
    assert occurrences(store.sequence(0), found.pattern) == [(3, 6)]
    assert occurrences(store.sequence(1), found.pattern) == [(0, 3)]
    missing = count_words(store, [0, 1], "WWW")
    assert (missing.count.tolist(), missing.within_words) == ([0, 0], False)
