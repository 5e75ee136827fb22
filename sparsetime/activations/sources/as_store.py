"""Tensors as stores, for what reads whole sequences: evaluation and the index of features."""

from __future__ import annotations

import uuid
import weakref
from typing import Any

import numpy as np
import pyarrow as pa
from torch import Tensor

from sparsetime.activations.sources.tensor_source import check_activations
from sparsetime.activations.store.manifest import DTYPES
from sparsetime.activations.store.store import Store
from sparsetime.activations.store.writer import StoreWriter
from sparsetime.errors import ConfigError
from sparsetime.files import Folder
from sparsetime.tensors import as_tensor, dtype_name, is_array

#: The number of sequences that hold rows without an order of time; intervals resample over them.
ROW_GROUPS = 64


def as_store(x: Any, what: str) -> Store:
    """A store unchanged, or a store in memory of a tensor or array.

    x: a store, or activations [sequences, time, d] or [rows, d]. Rows without an order of time
    become sequences of neighbouring rows, which mean nothing; `has_time` says whether they do.
    what: the function that takes it, in errors. The memory is freed with the store.

    Errors: those of `as_tensor`; DataError for values that are empty, not floating point or not
    finite; ConfigError for anything else.
    """
    if isinstance(x, Store):
        return x
    if not is_array(x):
        hint = ". Open a stored one with sparsetime.open_store(path)" if isinstance(x, str) else ""
        raise ConfigError(
            f"{what} takes a store, or activations as a tensor [sequences, time, d] or [rows, d]; "
            f"{type(x).__name__} was given{hint}"
        )
    values = as_tensor(x, "the activations", "are")
    check_activations(values, "tensor")
    values = values.detach().cpu()
    if dtype_name(values) not in DTYPES:
        values = values.float()
    return _in_memory(values)


def has_time(x: Any) -> bool:
    """Whether what `as_store` takes has an order of time."""
    return isinstance(x, Store) or not is_array(x) or np.ndim(x) == 3


def _in_memory(values: Tensor) -> Store:
    if values.ndim == 3:
        lengths = np.full(len(values), values.shape[1])
        rows = values.reshape(-1, values.shape[2])
    else:
        lengths = np.array([len(part) for part in np.array_split(range(len(values)), ROW_GROUPS)])
        lengths, rows = lengths[lengths > 0], values
    folder = f"memory://sparsetime-{uuid.uuid4().hex}"
    writer = StoreWriter(
        folder,
        model_name="",
        model_hash="",
        site="",
        d=values.shape[-1],
        dtype=dtype_name(values),
        unit="step",
        capture={},
    )
    first = np.repeat(np.cumsum(lengths) - lengths, lengths)
    steps = pa.table(
        {
            "sequence": np.repeat(np.arange(len(lengths)), lengths).astype(np.int32),
            "position": (np.arange(len(rows)) - first).astype(np.int32),
        }
    )
    ids = pa.array([str(number) for number in range(len(lengths))], pa.string())
    writer.append(rows, steps, pa.table({"id": ids, "length": pa.array(lengths, pa.int64())}))
    store = writer.finish()
    weakref.finalize(store.reader, Folder(folder).remove)
    return store
