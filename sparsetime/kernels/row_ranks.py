"""Ranks of entries within their row by value."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.support import Support


def row_ranks(values: Float[Tensor, " entries"], support: Support) -> Int[Tensor, " entries"]:
    """Rank of every entry within its row: 0 for the largest; of equal entries the first."""
    return rank_in_row(values, support.row_of_entry, support.rows)


@torch.no_grad()
def rank_in_row(
    score: Float[Tensor, " entries"], row: Int[Tensor, " entries"], rows: int
) -> Int[Tensor, " entries"]:
    """Rank of every entry in its row: the number of entries larger, or equal and earlier."""
    # Two stable sorts order by row, then by falling score, then by position.
    descending = score.argsort(descending=True, stable=True)
    order = descending[row[descending].argsort(stable=True)]
    starts = torch.searchsorted(row[order], torch.arange(rows, device=row.device))
    rank = torch.arange(score.shape[0], device=row.device) - starts[row[order]]
    return torch.empty_like(rank).index_copy_(0, order, rank)
