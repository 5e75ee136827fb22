"""Remainder by block means: one mean key and value for every unit that was left out."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from sparsetime.attention.grid import UnitGrid
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.remainders.remainder import Remainder
from sparsetime.attention_pattern import AttentionPattern
from sparsetime.components import component


@final
@component("summaries")
class Summaries(Remainder):
    """Every unit that was left out counts as |J| copies of its mean key and value.

        s(i, J) = scale q_i · mean_{j in J}(k_j) + log |J|,   out = softmax(s) mean_{j in J}(v_j)

    Units that a query reads in part are left out: their later keys lie in its future.

    Source: Ren et al. 2021, Combiner: full attention transformer with sparse computation cost,
    equation 8.
    """

    def __init__(self) -> None:
        super().__init__()

    def rest(
        self, inputs: AttentionInputs, grid: UnitGrid, pattern: AttentionPattern
    ) -> tuple[Tensor, Tensor] | None:
        chosen = torch.zeros(
            pattern.support.rows, grid.key_units, dtype=torch.bool, device=inputs.q.device
        )
        chosen[pattern.support.row_of_entry, pattern.support.indices] = True
        chosen = chosen.reshape(pattern.batch, pattern.heads, -1, grid.key_units)
        single = torch.arange(inputs.queries + 1, device=inputs.q.device)
        _, whole = inputs.readable.of_units(single, grid.key_bounds)
        free = whole & ~chosen.repeat_interleave(grid.query_sizes, 2)
        free = free.repeat_interleave(inputs.heads // free.shape[1], 1)
        keys, values = (grid.over_keys(t.float(), "mean") for t in (inputs.k, inputs.v))
        scores = inputs.products(inputs.q.float(), keys) + grid.key_sizes.log()
        scores = scores.masked_fill(~free, -torch.inf)
        weights = scores.softmax(-1).nan_to_num(0.0)
        return weights @ values.repeat_interleave(inputs.group, 1), scores.logsumexp(-1)
