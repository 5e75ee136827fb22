"""Twins of a sweep: dense models that a sparse one must beat, in 8 bits and with fewer neurons."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sparsetime.comparison.sweep_methods import Phase, SparseBlock, SparseRun, SweepWork
from sparsetime.computation.dense_int8 import dense_int8
from sparsetime.computation.fewer_neurons import fewer_neurons
from sparsetime.computation.weight_matrices import weight_matrices
from sparsetime.errors import ConfigError, UnreachedSparsityError
from sparsetime.models.load import LoadedModel

INT8, SMALLER = "dense in 8 bits", "dense with fewer neurons"


@contextmanager
def _in_int8(
    model: LoadedModel, method: Any, sparsity: float, data: Any, phase: Phase
) -> Iterator[SparseRun | None]:
    del method, sparsity, data, phase
    try:
        twin = dense_int8(model)
    except ConfigError as error:
        raise UnreachedSparsityError(str(error)) from error
    yield SparseRun(twin, lambda: SweepWork(0.0, math.nan, math.nan))


@contextmanager
def _with_fewer_neurons(
    model: LoadedModel, method: Any, sparsity: float, data: Any, phase: Phase
) -> Iterator[SparseRun | None]:
    del method, phase
    try:
        twin = fewer_neurons(model, sparsity, data[:, : min(16, data.shape[1])])
    except UnreachedSparsityError:
        raise
    except ConfigError as error:
        raise UnreachedSparsityError(str(error)) from error
    whole, left = (
        sum(matrix.parameter.numel() for matrix in weight_matrices(one))
        for one in (model.model, twin)
    )
    yield SparseRun(twin, lambda: SweepWork(1 - left / whole, math.nan, math.nan))


#: By name, how a twin is made, and whether it is one at each sparsity.
TWINS: dict[str, tuple[SparseBlock, bool]] = {
    INT8: (_in_int8, False),
    SMALLER: (_with_fewer_neurons, True),
}
