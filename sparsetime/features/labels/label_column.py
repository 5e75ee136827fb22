"""LabelColumn: a label as numbered values on the rows of an index; numbers in bins."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from sparsetime.features.labels.stored_label import FLAGS, StoredLabel

BINS = 12


@final
@dataclass(frozen=True)
class LabelColumn:
    """A label whose values a feature may detect, one of them or, of a number, a range of bins.

    values: the text of each value. code: int32 [rows], the value of each row, -1 without the label.
    edges: of the bins of a numeric label, float64 [values + 1]; None for categories. background:
    whether the first value is what lies between events, which is not to be detected.
    """

    name: str
    values: tuple[str, ...]
    code: Int[np.ndarray, " rows"]
    edges: Float[np.ndarray, " values_plus_1"] | None = None
    background: bool = False

    @property
    def is_numeric(self) -> bool:
        """Whether ranges of values are detected, and not single ones."""
        return self.edges is not None

    def steps(self, rows: Bool[np.ndarray, " rows"]) -> Int[np.ndarray, " values"]:
        """How many of these rows have each value."""
        code = self.code[rows]
        return np.bincount(code[code >= 0], minlength=len(self.values))

    def value_text(self, low: int, high: int) -> str:
        """The value, or the range of bins from `low` to `high`, in words."""
        if self.edges is None:
            return self.values[low]
        if low == 0:
            return f"< {self.edges[high + 1]:.4g}"
        if high == len(self.values) - 1:
            return f"≥ {self.edges[low]:.4g}"
        return f"{self.edges[low]:.4g} to {self.edges[high + 1]:.4g}"

    def name_text(self, low: int, high: int) -> str:
        """The name of a feature that detects the value: "F4 (note)", or "speech" of a flag."""
        value = self.value_text(low, high)
        if self.values == FLAGS:
            return self.name if value == "True" else f"not {self.name}"
        if self.background:
            return value
        return f"{self.name} {value}" if self.is_numeric else f"{value} ({self.name})"


def label_column(label: StoredLabel, choosing: Bool[np.ndarray, " rows"]) -> LabelColumn | None:
    """The column of a label; the bins of a number hold about equal shares of the choosing rows.

    None for a label with fewer than two values there.
    """
    if label.code is not None:
        present = np.unique(label.code[choosing])
        column = LabelColumn(label.name, label.values, label.code, background=label.background)
        return column if len(present) > 1 else None
    assert label.number is not None
    number = label.number
    finite = np.isfinite(number)
    chosen = np.sort(number[finite & choosing])
    if not len(chosen):
        return None
    inner = np.unique(np.quantile(chosen, np.arange(1, BINS) / BINS))
    inner = inner[(inner > chosen[0]) & (inner <= chosen[-1])]
    if not len(inner):
        return None
    code = np.where(finite, np.searchsorted(inner, number, side="right"), -1).astype(np.int32)
    ends = (number[finite].min(), number[finite].max())
    edges = np.concatenate([[ends[0]], inner, [ends[1]]])
    values = tuple(f"{a:.4g} to {b:.4g}" for a, b in pairwise(edges))
    return LabelColumn(label.name, values, code, edges)
