"""Search: features by the words they are active on, and passages by an example."""

from __future__ import annotations

import re

import numpy as np
from jaxtyping import Int

from sparsetime.errors import DataError
from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.workbench.documents import segment
from sparsetime.explorer.workbench.feature_names import names_of
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.explorer.workbench.schema import EnrichedFeature
from sparsetime.explorer.workbench.timeline import enriched_features
from sparsetime.features.step_text import has_offsets

DOCUMENTS, PLACES = 12, 400  # the most documents and places that are read
_SHOWN, _AROUND, _EXAMPLES = 30, 60, 10
_NARROWEST, _WIDEST = 8, 128


class SearchHit(FrozenRecord):
    """A place in a text: the steps `first` to `stop` of a sequence, with text on either side."""

    sequence: int
    title: Text
    first: int
    stop: int
    before: Text
    here: Text
    after: Text
    likeness: float = 1.0  # of passages by example: share of the example's nats


class WordSearch(FrozenRecord):
    """Features that are enriched on some words, and places where the words occur."""

    total: int  # occurrences in the indexed texts
    documents: int  # texts with an occurrence
    read: int  # occurrences at which features were read
    features: list[EnrichedFeature]
    places: list[SearchHit]


def features_of_words(opened: RunCache, key: str, words: str) -> WordSearch:
    """The features that are most enriched on these words, by their log-likelihood ratio.

    The words are searched as written, in any case, and not within longer words. Features are read
    at up to PLACES occurrences in DOCUMENTS documents, spread evenly over those with the words.

    Errors: DataError for no words at all; UnknownNameError for a dictionary that is not shown.
    """
    import pyarrow.compute as pc

    from sparsetime.codes import concatenate
    from sparsetime.features.enrichment import enrichment

    query = words.strip()
    if not query:
        raise DataError("got no words, expected some to search for")
    shown = opened.dictionary(key)
    numbers = shown.index.sequences["sequence"].to_numpy()
    texts = shown.store.sequences["text"].take(
        np.searchsorted(shown.store.sequence_indices, numbers)
    )
    pattern = _pattern(query)
    counts = pc.count_substring_regex(texts, pattern, ignore_case=True)
    count = np.asarray(counts.fill_null(0).to_numpy())
    holding = np.flatnonzero(count)
    picked = np.unique(np.linspace(0, len(holding) - 1, DOCUMENTS).round().astype(int))
    chosen = holding[picked] if len(holding) else holding
    codes, places, read = [], [], 0
    for sequence in numbers[chosen].tolist():
        code = opened.code(key, sequence)
        occurrences = _occurrences(opened, key, sequence, pattern)[: PLACES // DOCUMENTS + 1]
        for first, stop in occurrences:
            codes.append(code.row_slice(first, stop))
            read += 1
        places += [_place(opened, key, sequence, first, stop) for first, stop in occurrences[:3]]
    features: list[EnrichedFeature] = []
    if codes:
        code = concatenate(codes)
        enriched, nats = enrichment(code, shown.table.density)
        steps = np.bincount(code.indices.numpy(), minlength=code.width)
        features = [
            _line(opened, key, int(f), float(n), float(steps[f]) / code.rows)
            for f, n in zip(enriched[:_SHOWN], nats[:_SHOWN], strict=True)
        ]
    return WordSearch(
        total=int(count.sum()),
        documents=len(holding),
        read=read,
        features=features,
        places=places[:_SHOWN],
    )


def similar_passages(
    opened: RunCache, key: str, sequence: int, first: int, stop: int
) -> list[SearchHit]:
    """Other passages in which the features that are enriched in this one are active together.

    The corpus is cut into windows of the example's length. With n_f the example's nats of feature
    f, and c_f the window's active steps over a quarter of those in the example, at most 1, the
    likeness of a window is sum_f n_f c_f / sum_f n_f.

    Errors: DataError for a sequence that was not indexed, and for steps that it does not have.
    """
    first, stop, _ = segment(opened, key, sequence, first, stop)
    size = min(max(stop - first, _NARROWEST), _WIDEST)
    examples = enriched_features(opened, key, sequence, first, stop, _EXAMPLES)
    total = sum(example.nats for example in examples)
    scores: dict[tuple[int, int], float] = {}
    for example in examples:
        events = opened.feature_events(key, example.feature)
        needed = max(1.0, example.share * size / 4)
        pairs = np.stack([events.sequence, events.position // size])
        windows, steps = np.unique(pairs, axis=1, return_counts=True)
        for n, window, count in zip(*windows.tolist(), steps.tolist(), strict=True):
            gained = example.nats * min(1.0, count / needed)
            scores[(n, window)] = scores.get((n, window), 0.0) + gained
    ranked = sorted(scores.items(), key=lambda item: -item[1])
    hits: list[SearchHit] = []
    for (n, window), score in ranked:
        begin, end = window * size, (window + 1) * size
        if n == sequence and begin < stop and end > first:
            continue
        hits.append(_place(opened, key, n, begin, end, score / total))
        if len(hits) == _EXAMPLES:
            break
    return hits


def _pattern(query: str) -> str:
    """The words as a pattern that matches no part of a longer word: river, but not driver."""
    edges = (query[0], query[-1])
    begin, end = (r"\b" if re.match(r"\w", edge, re.ASCII) else "" for edge in edges)
    return begin + re.escape(query) + end


def _occurrences(opened: RunCache, key: str, sequence: int, pattern: str) -> list[tuple[int, int]]:
    """The steps over each occurrence of the words."""
    store = opened.dictionary(key).store
    stored = store.sequence(int(np.searchsorted(store.sequence_indices, sequence)))
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


def _place(
    opened: RunCache, key: str, sequence: int, first: int, stop: int, likeness: float = 1.0
) -> SearchHit:
    whole = opened.document(key, sequence)
    stop = min(stop, len(whole.words))

    def prose(a: int, b: int) -> str:
        words = zip(whole.gaps[a:b], whole.words[a:b], strict=True)
        return "".join(gap + word for gap, word in words)

    return SearchHit(
        sequence=sequence,
        title=whole.title,
        first=first,
        stop=stop,
        before=prose(max(0, first - _AROUND // 4), first)[-_AROUND:],
        here=prose(first, stop)[: 8 * _AROUND],
        after=prose(stop, stop + _AROUND // 4)[:_AROUND],
        likeness=likeness,
    )


def _line(opened: RunCache, key: str, number: int, nats: float, share: float) -> EnrichedFeature:
    table = opened.dictionary(key).table
    return EnrichedFeature(
        feature=number,
        part=table.part(number),
        **names_of(opened, key, number),
        nats=nats,
        share=share,
        density=float(table.density[number]),
    )
