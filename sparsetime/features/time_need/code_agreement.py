"""Agreement of two codes of the same steps, summed over sequences, feature by feature."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, final

import numpy as np
from jaxtyping import Bool, Float

from sparsetime.statistics.linear_probe import sparse_matrix
from sparsetime.statistics.nulls import reordered

if TYPE_CHECKING:
    from sparsetime.codes import SparseCode

#: The code of a sequence, and which of its rows count.
KeptCode: TypeAlias = "tuple[SparseCode, Bool[np.ndarray, ' rows']]"


@final
class CodeAgreement:
    """Cosine of each latent's values in two codes of the same steps, and its strength in both."""

    def __init__(self, width: int) -> None:
        self._products, self._first, self._second = (np.zeros(width) for _ in range(3))
        self._strength = np.zeros((2, width))

    def add(self, first: SparseCode, second: SparseCode) -> None:
        """Add the steps of a sequence in both codes."""
        a, b = sparse_matrix(first), sparse_matrix(second)
        self._products += np.asarray(a.multiply(b).sum(0)).reshape(-1)
        self._first += np.asarray(a.multiply(a).sum(0)).reshape(-1)
        self._second += np.asarray(b.multiply(b).sum(0)).reshape(-1)
        self._strength += [np.asarray(abs(x).sum(0)).reshape(-1) for x in (a, b)]

    def add_all(self, first: list[KeptCode], second: list[KeptCode]) -> None:
        """Add sequences, each a code and its rows that count; rows count that do in both."""
        for (a, a_kept), (b, b_kept) in zip(first, second, strict=True):
            kept = np.flatnonzero(a_kept & b_kept)
            self.add(reordered(a, kept), reordered(b, kept))

    @property
    def change(self) -> Float[np.ndarray, " width"]:
        """1 - cosine, at most 1; NaN of a latent that is silent in the first code."""
        norm = np.sqrt(self._first * self._second)
        cosine = np.divide(self._products, norm, out=np.zeros_like(norm), where=norm > 0)
        change: Float[np.ndarray, " width"] = 1 - cosine.clip(0, 1)
        return np.where(self._first > 0, change, np.nan)

    @property
    def level(self) -> Float[np.ndarray, " width"]:
        """Sum of |value| in the second code over that in the first; NaN where that is 0."""
        first, second = self._strength
        out = np.full(len(first), np.nan)
        np.divide(second, first, out=out, where=first > 0)
        return out
