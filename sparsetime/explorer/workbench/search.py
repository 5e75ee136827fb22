"""Search: features by the words they are active on, and passages by an example."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sparsetime.errors import DataError
from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.workbench.documents import segment
from sparsetime.explorer.workbench.feature_names import names_of
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.explorer.workbench.schema import EnrichedFeature
from sparsetime.explorer.workbench.timeline import enriched_features
from sparsetime.features.contexts import find_sequence
from sparsetime.features.similar_windows import EnrichedEvents, similar_windows
from sparsetime.features.word_occurrences import count_words, occurrences

DOCUMENTS, PLACES = 12, 400  # the most documents and places that are read
_SHOWN, _AROUND, _EXAMPLES = 30, 60, 10
_NARROWEST, _WIDEST = 8, 128


class SearchHit(FrozenRecord):
    """A place: the steps `first` to `stop` of a sequence, with text on either side or its times."""

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
    enriched: int = 0  # features that are enriched there, of which `features` are the first
    within_words: bool = False  # whether they occur within longer words only, as in a protein
    features: list[EnrichedFeature]
    places: list[SearchHit]


def features_of_words(opened: RunCache, key: str, words: str) -> WordSearch:
    """The features that are most enriched on these words, by their log-likelihood ratio.

    The words are searched as written, in any case, and not within longer words unless they occur
    nowhere else, as in text without spaces. Features are read at up to PLACES occurrences in
    DOCUMENTS documents, spread evenly over those with the words.

    Errors: DataError for no words at all; UnknownNameError for a dictionary that is not shown.
    """
    from sparsetime.codes import concatenate
    from sparsetime.features.enrichment import enrichment

    query = words.strip()
    if not query:
        raise DataError("got no words, expected some to search for")
    shown = opened.dictionary(key)
    numbers = shown.index.sequences["sequence"].to_numpy()
    found = count_words(shown.store, numbers.tolist(), query)
    count = found.count
    holding = np.flatnonzero(count)
    picked = np.unique(np.linspace(0, len(holding) - 1, DOCUMENTS).round().astype(int))
    chosen = holding[picked] if len(holding) else holding
    codes, places, read = [], [], 0
    for sequence in numbers[chosen].tolist():
        code = opened.code(key, sequence)
        stored = find_sequence(shown.store, sequence)
        spans = occurrences(stored, found.pattern)[: PLACES // DOCUMENTS + 1]
        for first, stop in spans:
            codes.append(code.row_slice(first, stop))
            read += 1
        places += [_place(opened, key, sequence, first, stop) for first, stop in spans[:3]]
    features: list[EnrichedFeature] = []
    enriched_count = 0
    if codes:
        code = concatenate(codes)
        enriched, nats = enrichment(code, shown.table.density)
        enriched_count = len(enriched)
        steps = np.bincount(code.indices.numpy(), minlength=code.width)
        features = [
            _line(opened, key, int(f), float(n), float(steps[f]) / code.rows)
            for f, n in zip(enriched[:_SHOWN], nats[:_SHOWN], strict=True)
        ]
    return WordSearch(
        total=int(count.sum()),
        documents=len(holding),
        read=read,
        enriched=enriched_count,
        within_words=found.within_words,
        features=features,
        places=places[:_SHOWN],
    )


def similar_passages(
    opened: RunCache, key: str, sequence: int, first: int, stop: int
) -> list[SearchHit]:
    """Other passages in which the features that are enriched in this one are active together.

    The corpus is cut into windows of the example's length; see `features.similar_windows`.

    Errors: DataError for a sequence that was not indexed, and for steps that it does not have.
    """
    first, stop, _ = segment(opened, key, sequence, first, stop)
    size = min(max(stop - first, _NARROWEST), _WIDEST)
    examples = enriched_features(opened, key, sequence, first, stop, _EXAMPLES)
    ranked = similar_windows(
        [
            EnrichedEvents(opened.feature_events(key, each.feature), each.nats, each.share)
            for each in examples
        ],
        size,
    )
    hits: list[SearchHit] = []
    for (n, window), score in ranked:
        begin, end = window * size, (window + 1) * size
        if n == sequence and begin < stop and end > first:
            continue
        hits.append(_place(opened, key, n, begin, end, score))
        if len(hits) == _EXAMPLES:
            break
    return hits


def _place(
    opened: RunCache, key: str, sequence: int, first: int, stop: int, likeness: float = 1.0
) -> SearchHit:
    whole = opened.document(key, sequence)
    stop = min(stop, len(whole.words))
    before, here, after = "", replace(whole, first=first, stop=stop).span, ""
    if whole.is_text:

        def prose(a: int, b: int) -> str:
            words = zip(whole.gaps[a:b], whole.words[a:b], strict=True)
            return "".join(gap + word for gap, word in words)

        before = _last(prose(max(0, first - _AROUND // 4), first), _AROUND)
        here = _first(prose(first, stop), 8 * _AROUND)
        after = _first(prose(stop, stop + _AROUND // 4), _AROUND)
    return SearchHit(
        sequence=sequence, title=whole.title, first=first, stop=stop,
        before=before, here=here, after=after, likeness=likeness,
    )  # fmt: skip


def _first(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1]}\u2026"


def _last(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"\u2026{text[1 - letters :]}"


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
