"""Pooled segments of a store: one row of codes, activations or tokens for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, final

import numpy as np
from jaxtyping import Bool, Int

from sparsetime.codes import concatenate
from sparsetime.errors import ConfigError, DataError
from sparsetime.features.encoding import encode_store
from sparsetime.statistics.pooling import pooled

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.dictionaries.dictionary import Dictionary


#: One whole number a segment.
Starts: TypeAlias = 'Int[np.ndarray, " segments"]'


@final
@dataclass(frozen=True, eq=False)
class PooledSegments:
    """Segments of a store with their pooled codes.

    codes: scipy CSR [segments, width]. lengths: steps of each. sequence: the place of each one's
    sequence in the store; first: its first step there. kept: which steps of the store the
    dictionary does not leave out; nothing is active on the others; None where that is not known.
    """

    codes: Any
    lengths: Int[np.ndarray, " segments"]
    sequence: Int[np.ndarray, " segments"]
    first: Int[np.ndarray, " segments"]
    kept: Bool[np.ndarray, " steps"] | None = None


def segment_lengths(
    lengths: Int[np.ndarray, " sequences"], steps: int | None
) -> tuple[
    Int[np.ndarray, " segments"], Int[np.ndarray, " segments"], Int[np.ndarray, " segments"]
]:
    """Lengths, places of sequences and first steps of segments of at most `steps` steps.

    None for whole sequences. The last segment of a sequence holds what is left, so none is lost.

    Errors: ConfigError for fewer than one step; DataError for no steps at all.
    """
    if steps is not None and steps < 1:
        raise ConfigError(f"got segments of {steps} steps, expected at least 1, or None for all")
    if not lengths.sum():
        raise DataError("the store holds no steps, so there is nothing to pool; capture more data")
    whole = int(lengths.max())
    size = whole if steps is None else steps
    count = -(-lengths // size)
    sequence = np.repeat(np.arange(len(lengths)), count)
    number = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    first = number * size
    return np.minimum(size, lengths[sequence] - first), sequence, first


def pooled_segments(
    sae: Dictionary, store: Store, steps: int | None, pool: str = "mean", progress: bool = True
) -> PooledSegments:
    """Encode a store and pool the codes of its segments.

    Errors: those of `segment_lengths`, `encode_store` and `pooled`.
    """
    lengths, sequence, first = segment_lengths(store.segments.numpy_lengths, steps)
    encoded = [(one.code, one.kept.numpy()) for one in encode_store(sae, store, progress)]
    code = concatenate([code for code, _ in encoded])
    kept = np.concatenate([own for _, own in encoded])
    return PooledSegments(pooled(code, lengths, pool), lengths, sequence, first, kept)
