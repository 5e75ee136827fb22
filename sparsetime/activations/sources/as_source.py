"""Conversion of user data (stores, tensors, iterators) to sources of activations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from sparsetime.activations.sampling.batch import Batch
from sparsetime.activations.sampling.batching import BatchIteratorSource
from sparsetime.activations.sources.named_tensors import named_tensor_source
from sparsetime.activations.sources.source import Source
from sparsetime.activations.sources.tensor_source import IteratorSource, TensorSource
from sparsetime.errors import ConfigError
from sparsetime.tensors import as_tensor, is_array


def as_source(x: Any) -> Source:
    """A source of activations from `x`.

    x: a source (a store or a split of one is returned unchanged), a tensor or array [rows, d] or
    [sequences, time, d], tensors by name (`{"x": ..., "target": ...}`, see `named_tensor_source`),
    or an iterable of tensors or of `Batch` as batches, read once.

    Errors: DataError for values that are empty, not floating point or not finite (it names the
    place); ConfigError for anything else.
    """
    if isinstance(x, Source):
        return x
    if is_array(x):
        return TensorSource(as_tensor(x, "the data"))
    if isinstance(x, Mapping):
        return named_tensor_source(x)
    if isinstance(x, Batch):
        return BatchIteratorSource(x, [])
    if isinstance(x, Iterable) and not isinstance(x, str | bytes):
        batches = iter(x)
        first = next(batches, None)
        if isinstance(first, Batch):
            return BatchIteratorSource(first, batches)
        return IteratorSource(batches if first is None else chain([first], batches))
    hint = ". Open a stored one with sparsetime.open_store(path)" if isinstance(x, str) else ""
    raise ConfigError(
        f"got {type(x).__name__} as activations, expected a store, a tensor [rows, d] or "
        f"[sequences, time, d], tensors by name, or an iterator of batches{hint}"
    )
