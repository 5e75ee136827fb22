"""Rows of a tensor by their numbers, without a copy where they are contiguous."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor


def pick(tensor: Float[Tensor, "rows d"], at: NDArray[np.int64]) -> Float[Tensor, "some d"]:
    """Rows `at` (ascending, distinct) of a tensor: a view where they are contiguous."""
    first, last = int(at[0]), int(at[-1])
    if last - first + 1 == len(at):
        return tensor[first : last + 1]
    return tensor.index_select(0, torch.from_numpy(np.ascontiguousarray(at)))
