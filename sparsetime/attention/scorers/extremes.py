"""Bounds of products by the extremes of a page's keys as scores."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.attention.grid import UnitGrid
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.scorers.scorer import Scorer
from sparsetime.attention.unit_cache import cached_units
from sparsetime.components import component


@final
@component("extremes")
class Extremes(Scorer):
    """Upper bound of the products with any key of a page, from its extremes by channel.

        s(i, J) = sum_c max(q_ic max_{j in J} k_jc, q_ic min_{j in J} k_jc)

    A tile of several queries has the largest bound of its queries. The extremes of complete pages
    are kept while a sequence grows.

    Source: Tang et al. 2024, Quest: query-aware sparsity for efficient long-context LLM inference,
    algorithm 1.
    """

    def __init__(self) -> None:
        super().__init__()

    def score(
        self, inputs: AttentionInputs, grid: UnitGrid
    ) -> Float[Tensor, "b heads query_units key_units"]:
        pages = cached_units("extremes", inputs, grid, _extremes)
        q = inputs.q.float()
        # With positive and negative parts apart, both products are one.
        parts = torch.cat([q.clamp(min=0), -(-q).clamp(min=0)], -1)
        return grid.over_queries(inputs.products(parts, pages), "max")


def _extremes(keys: Float[Tensor, "b h n d"], grid: UnitGrid) -> Float[Tensor, "b h units d2"]:
    return torch.cat([grid.over_keys(keys, "max"), -grid.over_keys(-keys, "max")], -1)
