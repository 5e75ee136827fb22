"""The most telling features of a dictionary, as cards with shaded passages."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from sparsetime.explorer.excerpts import excerpt
from sparsetime.explorer.step_units import words_of
from sparsetime.explorer.workbench.feature_names import given_name
from sparsetime.features.contexts import find_sequence
from sparsetime.features.step_text import gap_text
from sparsetime.reports.input_pictures import ReportInputs, example_picture, segment_input
from sparsetime.reports.page_schema import FeatureCard, FeatureList, Piece, ShadedPassage

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.codes import SparseCode
    from sparsetime.explorer.run_contents import ShownDictionary
    from sparsetime.explorer.workbench.labels import Labels
    from sparsetime.features.contexts import FeatureContext

TELLING, PASSAGES, AROUND, SHADES = 30, 3, 14, 8
_BARS = "\u00b7\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"  # of nothing and of each shade


def feature_list(shown: ShownDictionary, inputs: ReportInputs, labels: Labels) -> FeatureList:
    """The most telling features of a dictionary, each with its strongest moments in context.

    labels: of the run, for the names that persons gave.
    """
    from sparsetime.features.contexts import feature_context

    index, table, store = shown.index, shown.table, shown.store

    @lru_cache(maxsize=64)
    def code_of(sequence: int) -> SparseCode:
        return index.sequence(sequence)

    cards, words = [], words_of([store])
    for row in index.most_informative(TELLING).to_pylist():
        feature = row["feature"]
        moments = index.examples(feature, PASSAGES, per_sequence=1).to_pylist()
        places = [_place(store, m["sequence"], m["position"]) for m in moments]
        passages = [
            feature_context(
                store, code_of(m["sequence"]), feature, m["sequence"], m["position"], AROUND
            )
            for m in moments
        ]
        cards.append(
            FeatureCard(
                feature=feature,
                part=table.part(feature),
                name=given_name(labels, shown, feature).text,
                words=row["words"] or [],
                facts=[
                    f"lasts {words.lasting(row['dwell'])}",
                    f"on {row['density']:.2%} of {words.step}s",
                    words.sequences(row["documents"]),
                ],
                passages=[
                    ShadedPassage(
                        source=place.source,
                        activation=f"{moment['value']:.3g}",
                        pieces=list(
                            shaded(passage, row["max"])
                            if place.is_text
                            else shaded_bars(passage, row["max"])
                        ),
                        is_text=place.is_text,
                        picture=""
                        if place.is_text
                        else _picture(inputs, store, passage, row["max"]),
                    )
                    for passage, moment, place in zip(passages, moments, places, strict=True)
                ],
            )
        )
    return FeatureList(dictionary=shown.entry.key, cards=cards, of=int((table.density > 0).sum()))


def _picture(inputs: ReportInputs, store: Store, passage: FeatureContext, peak: float) -> str:
    """What the model read around an example, drawn; empty where it is not kept."""
    first, stop = passage.words[0].first, passage.words[-1].last + 1
    view = segment_input(inputs, find_sequence(store, passage.sequence), first, stop, packed=False)
    if view is None:
        return ""
    percents = [100 * word.activation / peak for word in passage.words]
    here = next((at for at, word in enumerate(passage.words) if word.here), 0)
    return example_picture(view, percents, here)


class _Place(NamedTuple):
    """Where a moment stands: its sequence and, without a text, its time."""

    source: str
    is_text: bool


def _place(store: Store, sequence: int, position: int) -> _Place:
    stored = find_sequence(store, sequence)
    here = excerpt(stored, position, 1)
    return _Place(here.id if here.is_text else f"{here.id}, at {here.time(position)}", here.is_text)


def shaded(passage: FeatureContext, peak: float) -> Iterator[Piece]:
    """The passage in segments of one shade; white space is as dark as its lighter neighbour.

    The word of the moment is a piece of its own.
    """
    text, shade, last, marked = "", 0, 0, False
    for number, word in enumerate(passage.words):
        level = _level(word.activation, peak)
        gap = gap_text(word.gap) if number else ""
        for piece, dark, here in ((gap, min(last, level), False), (word.text, level, word.here)):
            if piece and text and (dark, here) != (shade, marked):
                yield Piece(text=text, shade=shade, here=marked)
                text = ""
            if piece:
                text, shade, marked = text + piece, dark, here
        last = level
    if text:
        yield Piece(text=text, shade=shade, here=marked)


def shaded_bars(passage: FeatureContext, peak: float) -> Iterator[Piece]:
    """A bar for each step, as high as the activation; the moment is a piece of its own."""
    for word in passage.words:
        level = _level(word.activation, peak)
        yield Piece(text=_BARS[level], shade=level, here=word.here)


def _level(activation: float, peak: float) -> int:
    return min(SHADES, math.ceil(SHADES * activation / peak)) if activation else 0
