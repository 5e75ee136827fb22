"""Choice of the rows of a timeline: which features of a segment are shown, and in which order.

Hundreds of features are active on a segment, and a picture holds a few dozen rows. So:

1. Features that are active on more than half of the whole corpus are left out: they say nothing
   about this segment.
2. The rest are ranked by their share of the segment's code energy (the sum of squared activations).
3. Half of the rows go to the slower half of those features and half to the faster half, by mean
   dwell over the whole corpus, the most energetic first; where one half is short, the other fills
   its places. Without this, a segment's many short features would crowd out the few long ones. In a
   dictionary of two parts these are the halves: a part may be weak, but it is what one came to see.

Rows are sorted by dwell over the corpus, not over the segment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from sparsetime.errors import MismatchError
from sparsetime.explorer.records import Part
from sparsetime.features.arrow_numpy import to_numpy

if TYPE_CHECKING:
    from sparsetime.codes import SparseCode
    from sparsetime.features.index import FeatureIndex

ROWS = 36
#: Share of the corpus's steps beyond which a feature says nothing of a segment.
TOO_DENSE = 0.5
#: What stands for the words of a feature that fires on words much as they come: those it is most
#: over-represented on would be a few common ones, and mislead.
ANY_WORD = "almost any word"
_INFORMATIVE = 0.15  # information about its word in a step of a feature, in nats
_OFTEN = 0.01  # share of steps below which information may be that low by chance


@dataclass(frozen=True)
class FeatureTable:
    """Statistics of every feature over the whole corpus, as the timeline shows them.

    dwell: mean run length in steps; density: share of steps on which it is active; peak: largest
    activation; words: most over-represented first, or ANY_WORD alone; groups: ends of the
    dictionary's nested parts. All arrays are [width].
    """

    dwell: Float[np.ndarray, " width"]
    density: Float[np.ndarray, " width"]
    peak: Float[np.ndarray, " width"]
    words: Sequence[Sequence[str]]
    groups: tuple[int, ...]

    @property
    def place(self) -> tuple[bool, int]:
        """Where its dictionary stands among others, lowest first: with parts, then most alive."""
        return len(self.groups) < 2, -int((self.density > 0).sum())

    def part(self, feature: int) -> Part:
        """The part that a feature belongs to; empty where a dictionary has one part only."""
        if len(self.groups) < 2:
            return ""
        return "first" if feature < self.groups[0] else "rest"


def table_of(index: FeatureIndex) -> FeatureTable:
    """The table of an index."""
    features = index.features
    return FeatureTable(
        dwell=_numbers(features, "dwell"),
        density=_numbers(features, "density"),
        peak=_numbers(features, "max"),
        words=_words(features),
        groups=index.groups,
    )


def choose_rows(
    code: SparseCode, table: FeatureTable, rows: int = ROWS, too_dense: float = TOO_DENSE
) -> Int[np.ndarray, " rows"]:
    """The features to show of a code of shape (time,), the longest-lasting first.

    Errors: MismatchError where the code and the table differ in width.
    """
    if code.width != len(table.dwell):
        raise MismatchError(
            f"the code has {code.width} features and the feature table {len(table.dwell)}; "
            f"both must come from one dictionary"
        )
    value = code.values.detach().float().cpu().numpy()
    return choose(code.indices.cpu().numpy(), value, table, rows, too_dense)


def choose(
    feature: Int[np.ndarray, " entries"],
    value: Float[np.ndarray, " entries"],
    table: FeatureTable,
    rows: int,
    too_dense: float = TOO_DENSE,
) -> Int[np.ndarray, " rows"]:
    """The features to show, the longest-lasting first, by the rule at the top of this file."""
    squares = value.astype(np.float64) ** 2
    energy = np.bincount(feature, weights=squares, minlength=len(table.dwell))
    # Without an entry bincount counts in integers.
    return choose_by_energy(energy.astype(np.float64), table, rows, too_dense)


def choose_by_energy(
    energy: Float[np.ndarray, " width"],
    table: FeatureTable,
    rows: int,
    too_dense: float = TOO_DENSE,
) -> Int[np.ndarray, " rows"]:
    """The same, by the energy of every feature in the segment."""
    shown = np.flatnonzero((energy > 0) & (table.density <= too_dense))
    slow, fast = (half[np.argsort(-energy[half], kind="stable")] for half in _halves(shown, table))
    of_fast = min(rows // 2, len(fast))
    of_slow = min(rows - of_fast, len(slow))
    of_fast = min(rows - of_slow, len(fast))
    kept = np.concatenate([slow[:of_slow], fast[:of_fast]])
    return kept[np.lexsort((kept, -table.dwell[kept]))]


def _halves(
    shown: Int[np.ndarray, " shown"], table: FeatureTable
) -> tuple[Int[np.ndarray, " slower"], Int[np.ndarray, " faster"]]:
    """The two parts where there are two, or else the slower and the faster half."""
    if len(table.groups) > 1:
        return shown[shown < table.groups[0]], shown[shown >= table.groups[0]]
    by_dwell = shown[np.lexsort((shown, -table.dwell[shown]))]
    middle = (len(by_dwell) + 1) // 2
    return by_dwell[:middle], by_dwell[middle:]


def _words(features: Any) -> list[list[str]]:
    information = to_numpy(features, "word_information").astype(float)  # NaN without text
    any_word = (information < _INFORMATIVE) & (
        to_numpy(features, "density").astype(float) >= _OFTEN
    )
    words_of_feature = features["words"].to_pylist()
    return [
        [ANY_WORD] if a else words or []
        for words, a in zip(words_of_feature, any_word, strict=True)
    ]


def _numbers(features: Any, name: str) -> Float[np.ndarray, " width"]:
    column: Float[np.ndarray, " width"] = np.nan_to_num(
        to_numpy(features, name).astype(float), nan=0.0
    )
    return column
