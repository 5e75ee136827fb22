"""Counts of entries that are not zero: by column of a matrix, and by row with a weight each."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from sparsetime.kernels.loops.nonzero import nonzero_by_column, nonzero_by_row

_READ = (torch.float32, torch.float64, torch.bool)  # of which the loops are made
_INT32 = 2**31


def count_by_column(matrix: Shaped[Tensor, "rows columns"]) -> Int[Tensor, " columns"]:
    """How many entries of each column are not zero, in int64, on the matrix's device."""
    if matrix.device.type != "cpu":
        return (matrix != 0).sum(0)
    counts = np.zeros(matrix.shape[1], np.int32)
    nonzero_by_column(_array(matrix), counts)
    return torch.from_numpy(counts.astype(np.int64))


def count_by_row(
    x: Shaped[Tensor, "rows columns"], weights: Int[Tensor, " columns"]
) -> Int[Tensor, " rows"]:
    """The sum of the weights of the entries of each row that are not zero, exact, in int64.

    weights: not negative, in int64, on the device of x.
    """
    if x.device.type != "cpu":
        # Float64 has a product on a GPU, and is exact up to 2^53.
        return ((x != 0).double() @ weights.double()).long()
    if not x.numel():
        return torch.zeros(len(x), dtype=torch.long)
    narrow = np.int32 if int(weights.sum()) < _INT32 else np.int64
    counts = np.empty(len(x), narrow)
    nonzero_by_row(_array(x), weights.numpy().astype(narrow), counts)
    return torch.from_numpy(counts.astype(np.int64))


def _array(values: Tensor) -> np.ndarray:
    values = values.detach()
    read = values if values.dtype in _READ else values.float()
    return np.ascontiguousarray(read.numpy())
