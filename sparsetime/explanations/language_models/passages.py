"""Passages about the steps of a feature, as a language model reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Bool, Float, Int

from sparsetime.errors import DataError
from sparsetime.explanations.moments import KINDS, Moments, spread
from sparsetime.features.step_text import has_offsets, step_texts

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store

BEFORE, AFTER = 15, 8


@final
@dataclass(frozen=True, eq=False)
class FeaturePassage:
    """The text of some steps of a sequence. activation: |values| by the feature's largest one."""

    rows: Int[np.ndarray, " steps"]
    words: tuple[str, ...]
    gaps: tuple[str, ...]
    activation: Float[np.ndarray, " steps"]

    @property
    def is_active(self) -> bool:
        """Whether the feature fires in it."""
        return bool((self.activation > 0).any())

    def text(self, marked: Bool[np.ndarray, " steps"] | None = None) -> str:
        """The text, with << and >> about marked steps."""
        pieces = []
        for place, (gap, word) in enumerate(zip(self.gaps, self.words, strict=True)):
            here = f"<<{word}>>" if marked is not None and marked[place] and word else word
            pieces.append((gap if place else "") + here)
        return " ".join("".join(pieces).split())


@final
class PassageReader:
    """Reads passages of one view and feature after another."""

    def __init__(self, view: Store) -> None:
        self._begins = view.segments.numpy_offsets
        self._words: list[str] = []
        self._gaps: list[str] = []
        for place in range(len(view.sequence_indices)):
            stored = view.sequence(place)
            if not has_offsets(stored) or stored.text is None:
                raise DataError(
                    f"{view.path} has no text with the characters of its steps, which a language "
                    f"model is to read; explain by rules"
                )
            starts = stored.steps["char_start"].to_pylist()
            ends = stored.steps["char_end"].to_pylist()
            for word, gap in step_texts(stored.text, starts, ends, 0):
                self._words.append(word)
                self._gaps.append(gap)

    def around(self, row: int, activation: Float[np.ndarray, " rows"]) -> FeaturePassage:
        """The steps about a row, within its sequence."""
        place = int(np.searchsorted(self._begins, row, side="right")) - 1
        first = max(int(self._begins[place]), row - BEFORE)
        stop = min(int(self._begins[place + 1]), row + AFTER + 1)
        rows = np.arange(first, stop)
        return FeaturePassage(
            rows, tuple(self._words[first:stop]), tuple(self._gaps[first:stop]), activation[rows]
        )

    def active(
        self, moments: Moments, feature: int, activation: Float[np.ndarray, " rows"], many: int
    ) -> list[FeaturePassage]:
        """Passages about active steps of all activation values alike, the strongest first."""
        sample = moments.sample(feature, "active")
        chosen = spread(sample.rows[sample.positive], many)
        return [self.around(row, activation) for row in chosen.tolist()]

    def silent(
        self, moments: Moments, feature: int, activation: Float[np.ndarray, " rows"], many: int
    ) -> list[FeaturePassage]:
        """Passages in which the feature is silent, of all kinds of silent steps alike."""
        sample = moments.sample(feature, "active")
        kinds = [sample.rows[sample.kind == kind] for kind in range(len(KINDS))]
        order = [rows[n] for n in range(4 * many) for rows in kinds if n < len(rows)]
        found: list[FeaturePassage] = []
        for row in order:
            if len(found) == many:
                break
            passage = self.around(int(row), activation)
            if not passage.is_active:
                found.append(passage)
        return found
