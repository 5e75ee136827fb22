"""Scores by head: pooled products where they describe the last queries, stripes elsewhere."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.attention.budgets.mass import shares
from sparsetime.attention.grid import UnitGrid
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.mass import attention_mass
from sparsetime.attention.scorers.pooled import Pooled
from sparsetime.attention.scorers.scorer import Scorer
from sparsetime.attention.scorers.stripes import Stripes
from sparsetime.components import component
from sparsetime.errors import ConfigError


@final
@component("by_divergence")
class ByDivergence(Scorer):
    """Shares of pooled products in heads where they agree with the last tile, else stripes.

        s = softmax(pooled)   where sqrt(JS(pooled_last, exact_last)) < limit,   else stripes

    JS: the Jensen-Shannon divergence between the estimated and the exact block attention of the
    last tile of queries. Every head of every prompt chooses for itself.

    Source: Lai et al. 2025, FlexPrefill: a context-aware sparse attention mechanism for efficient
    long-sequence inference, algorithms 1 to 4.
    """

    is_mass = True

    def __init__(self, limit: float = 0.1, count: int = 64) -> None:
        if not 0 <= limit <= 1:
            raise ConfigError(f"got limit={limit}, expected a distance from 0 to 1")
        super().__init__(limit=limit, count=count)
        self.limit = limit
        self.stripes, self.pooled = Stripes(count), Pooled()

    def score(
        self, inputs: AttentionInputs, grid: UnitGrid
    ) -> Float[Tensor, "b heads query_units key_units"]:
        pooled = self.pooled.score(inputs, grid).masked_fill(~grid.some, -torch.inf)
        estimate = shares(pooled, grid, is_mass=False)
        stripes = self.stripes.score(inputs, grid)
        return torch.where(self._agrees(estimate, inputs, grid)[..., None, None], estimate, stripes)

    def _agrees(
        self, estimate: Float[Tensor, "b h m n"], inputs: AttentionInputs, grid: UnitGrid
    ) -> Bool[Tensor, "b h"]:
        """Heads whose estimate of the last tile is near its exact block attention."""
        last = torch.arange(int(grid.query_bounds[-2]), inputs.queries, device=inputs.q.device)
        mass = attention_mass(inputs, last).mean(2)
        exact = grid.over_keys(mass[..., None], "sum")[..., 0]
        guess = estimate[:, :, -1]
        middle = (exact + guess) / 2
        divergence = (_relative(exact, middle) + _relative(guess, middle)) / 2
        return divergence.clamp(min=0).sqrt() < self.limit


def _relative(p: Float[Tensor, "b h n"], q: Float[Tensor, "b h n"]) -> Float[Tensor, "b h"]:
    """Kullback-Leibler divergence in nats."""
    return torch.where(p > 0, p * (p / q.clamp(min=1e-30)).log(), 0.0).sum(-1)
