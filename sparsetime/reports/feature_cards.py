"""The most telling features of a dictionary, as cards with shaded passages."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from sparsetime.explorer.row_choice import FeatureTable
from sparsetime.explorer.step_units import lasting, step_name
from sparsetime.features.step_text import gap_text
from sparsetime.reports.page_schema import FeatureCard, FeatureList, Piece, ShadedPassage

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.codes import SparseCode
    from sparsetime.features.contexts import FeatureContext
    from sparsetime.features.index import FeatureIndex

TELLING, PASSAGES, AROUND, SHADES = 30, 3, 14, 8


def feature_list(
    dictionary: str, index: FeatureIndex, table: FeatureTable, store: Store
) -> FeatureList:
    """The most telling features of a dictionary, each with its strongest moments in context."""
    from sparsetime.features.contexts import feature_context

    @lru_cache(maxsize=64)
    def code_of(sequence: int) -> SparseCode:
        return index.sequence(sequence)

    cards = []
    for row in index.most_informative(TELLING).to_pylist():
        feature = row["feature"]
        moments = index.examples(feature, PASSAGES, per_sequence=1).to_pylist()
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
                words=row["words"] or [],
                facts=[
                    f"lasts {lasting(row['dwell'], store)}",
                    f"on {row['density']:.2%} of {step_name([store])}s",
                    f"{row['documents']:,} document{'s' * (row['documents'] != 1)}",
                ],
                passages=[
                    ShadedPassage(
                        source=passage.id,
                        activation=f"{moment['value']:.3g}",
                        pieces=list(shaded(passage, row["max"])),
                    )
                    for passage, moment in zip(passages, moments, strict=True)
                ],
            )
        )
    return FeatureList(dictionary=dictionary, cards=cards)


def shaded(passage: FeatureContext, peak: float) -> Iterator[Piece]:
    """The passage in segments of one shade; white space is as dark as its lighter neighbour."""
    text, shade, last = "", 0, 0
    for number, word in enumerate(passage.words):
        here = min(SHADES, math.ceil(SHADES * word.activation / peak)) if word.activation else 0
        gap = gap_text(word.gap) if number else ""
        for piece, level in ((gap, min(last, here)), (word.text, here)):
            if piece and level != shade and text:
                yield Piece(text=text, shade=shade)
                text = ""
            if piece:
                text, shade = text + piece, level
        last = here
    if text:
        yield Piece(text=text, shade=shade)
