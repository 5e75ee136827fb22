"""Pooling over time: one row for every sequence, from codes or activations of its steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.codes import SparseCode
from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.statistics.linear_probe import sparse_matrix

#: "mean" over the steps of a sequence, or its "last" step.
POOLS = ("mean", "last")


def pooled(
    x: SparseCode | Float[Tensor, "steps d"],
    lengths: Int[np.ndarray, " sequences"],
    pool: str = "mean",
) -> Any:
    """One row a sequence, [sequences, width], as a scipy CSR matrix of float64.

        mean: y_s = (1 / n_s) sum_t x_t     last: y_s = x at the last step of s

    x: the code, or the activations, of all steps of all sequences, in their order. lengths: steps
    of each. Errors: MismatchError where the lengths do not add up to the steps; DataError for a
    sequence without steps; ConfigError for another pool.
    """
    from scipy.sparse import csr_matrix

    if pool not in POOLS:
        raise ConfigError(f'got pool={pool!r}, expected "mean" or "last"; choose one')
    rows = x.rows if isinstance(x, SparseCode) else len(x)
    if int(lengths.sum()) != rows:
        raise MismatchError(
            f"got lengths that add up to {int(lengths.sum()):,}, expected the {rows:,} steps of "
            f"the codes; give the length of every sequence, in their order"
        )
    if not (lengths > 0).all():
        raise DataError(
            f"sequence {int(np.argmin(lengths > 0))} has no steps, so there is nothing to pool; "
            f"leave it out"
        )
    if isinstance(x, SparseCode):
        matrix = sparse_matrix(x)
    else:
        matrix = csr_matrix(x.detach().double().cpu().numpy())
    ends = np.cumsum(lengths)
    if pool == "last":
        return matrix[ends - 1]
    weight = np.repeat(1 / lengths, lengths)
    mean = csr_matrix((weight, np.arange(rows), np.concatenate([[0], ends])))
    return (mean @ matrix).tocsr()
