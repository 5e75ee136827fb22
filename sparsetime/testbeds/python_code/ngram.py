"""N-gram language model with interpolated Kneser-Ney smoothing, a baseline of perplexity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from sparsetime.errors import ConfigError, DataError

Ids: TypeAlias = NDArray[np.int64]


@final
@dataclass(frozen=True, eq=False)
class _Order:
    """The n-grams of one length, ascending, their counts, and the same for what precedes a token.

    A gram is one whole number: its tokens as the digits of base `vocabulary`.
    """

    grams: Ids
    counts: Ids
    contexts: Ids
    totals: Ids
    kinds: Ids
    discount: float


@final
class NGram:
    """An n-gram model of documents, for `perplexity` on others.

    documents: tokens [time] of each, the token 0 that begins a text left out.

    Source: Kneser and Ney, "Improved backing-off for m-gram language modeling"; interpolated as
    in Chen and Goodman, "An empirical study of smoothing techniques for language modeling", with
    one discount an order, n1 / (n1 + 2 n2).

    Errors: ConfigError where grams of that length do not fit 63 bits; DataError without tokens.
    """

    def __init__(self, documents: Sequence[Ids], order: int, vocabulary: int) -> None:
        if order < 1 or order * math.log2(vocabulary) >= 63:
            raise ConfigError(
                f"got {order}-grams of {vocabulary} tokens, expected ones that fit 63 bits; choose "
                f"an order of 1 to {int(62.9 / math.log2(vocabulary))}"
            )
        if not sum(map(len, documents)):
            raise DataError("there are no tokens to count; give documents that are not empty")
        self._order, self._vocabulary = order, vocabulary
        grams, counts = np.unique(self._grams(documents, order), return_counts=True)
        self._orders = [self._counted(grams, counts)]
        for length in range(order - 1, 0, -1):
            # Shorter grams count in how many different longer ones they end.
            grams, counts = np.unique(grams % vocabulary**length, return_counts=True)
            self._orders.append(self._counted(grams, counts))

    def log_probabilities(self, documents: Sequence[Ids]) -> NDArray[np.float64]:
        """The natural log of the probability of every token, given those before it."""
        grams = self._grams(documents, self._order)
        probability = np.full(len(grams), 1 / self._vocabulary)
        for length, table in enumerate(reversed(self._orders), start=1):
            shorter = grams % self._vocabulary**length
            count = _values_at(table.grams, table.counts, shorter)
            context = shorter // self._vocabulary
            total = _values_at(table.contexts, table.totals, context)
            kinds = _values_at(table.contexts, table.kinds, context)
            seen = total > 0
            kept = np.maximum(count - table.discount, 0) + table.discount * kinds * probability
            probability = np.where(seen, kept / np.maximum(total, 1), probability)
        result: NDArray[np.float64] = np.log(probability)
        return result

    def perplexity(self, documents: Sequence[Ids]) -> float:
        """exp(-mean log p(token | tokens before it))."""
        return float(np.exp(-self.log_probabilities(documents).mean()))

    def _counted(self, grams: Ids, counts: Ids) -> _Order:
        contexts, first, kinds = np.unique(
            grams // self._vocabulary, return_index=True, return_counts=True
        )
        once, twice = int((counts == 1).sum()), int((counts == 2).sum())
        discount = once / (once + 2 * twice) if once else 0.5
        return _Order(grams, counts, contexts, np.add.reduceat(counts, first), kinds, discount)

    def _grams(self, documents: Sequence[Ids], order: int) -> Ids:
        """The n-gram that ends in each token; a document is padded with zeros in front."""
        grams = []
        for tokens in documents:
            padded = np.concatenate([np.zeros(order - 1, dtype=np.int64), tokens])
            windows = np.lib.stride_tricks.sliding_window_view(padded, order)
            grams.append(windows @ self._vocabulary ** np.arange(order - 1, -1, -1))
        return np.concatenate(grams)


def _values_at(keys: Ids, values: Ids, queries: Ids) -> Any:
    position = np.searchsorted(keys, queries).clip(max=len(keys) - 1)
    return np.where(keys[position] == queries, values[position], 0)
