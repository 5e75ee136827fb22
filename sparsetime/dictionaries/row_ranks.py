"""Ranks of active latents within their row by activation value."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.kernels import Support


@torch.no_grad()
def ranks(values: Float[Tensor, " entries"], support: Support) -> Int[Tensor, " entries"]:
    """Rank of every entry within its row: 0 for the largest; of equal entries the first."""
    by_value = values.argsort(descending=True, stable=True)
    order = by_value[support.row_of_entry[by_value].argsort(stable=True)]
    positions = torch.arange(order.shape[0], device=order.device)
    rank = torch.empty_like(order)
    rank[order] = positions - support.offsets[support.row_of_entry]
    return rank
