"""Vertical and slash stripes of attention mass, from sampled queries, as scores."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.attention.grid import UnitGrid
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.mass import attention_mass
from sparsetime.attention.scorers.scorer import Scorer
from sparsetime.components import component
from sparsetime.errors import ConfigError


@final
@component("stripes")
class Stripes(Scorer):
    """Mass by column (vertical stripes) and by distance (slashes), of the last queries.

        s(I, J) = sum_{j in J} mean_{i in S} p_ij + sum_{d in D(I, J)} mean_{i in S} p_i,i-d

    p = softmax(scale q · K') of the last `count` queries S, and D the distances between the units.

    Source: Jiang et al. 2024, MInference 1.0: accelerating pre-filling for long-context LLMs,
    algorithm 2 (vertical-slash).
    """

    is_mass = True

    def __init__(self, count: int = 64) -> None:
        if count < 1:
            raise ConfigError(f"got {count} queries, expected at least 1")
        super().__init__(count=count)
        self.count = count

    def score(
        self, inputs: AttentionInputs, grid: UnitGrid
    ) -> Float[Tensor, "b heads query_units key_units"]:
        count = min(self.count, inputs.queries)
        chosen = torch.arange(inputs.queries - count, inputs.queries, device=inputs.q.device)
        mass = attention_mass(inputs, chosen)
        vertical = grid.over_keys(mass.mean(2)[..., None], "sum")[..., 0][:, :, None]
        slash = _by_distance(mass, inputs.query_positions[chosen])
        bounds, at = grid.query_bounds, grid.query_positions
        middle_q = (at[bounds[:-1]] + at[bounds[1:] - 1]) // 2
        middle_k = (grid.key_bounds[:-1] + grid.key_bounds[1:] - 1) // 2
        distance = middle_q[:, None] - middle_k
        # Mass at the distances within half a unit of the middle, for every pair of units.
        half = (grid.key_sizes // 2).clamp(min=0)
        total = torch.nn.functional.pad(slash.cumsum(-1), (1, 0))
        low = (distance - half).clamp(0, inputs.keys)
        high = (distance - half + grid.key_sizes).clamp(0, inputs.keys)
        return vertical + total[..., high] - total[..., low]


def _by_distance(
    mass: Float[Tensor, "b h some keys"], positions: Tensor
) -> Float[Tensor, "b h keys"]:
    """Mean mass of the queries at every distance back."""
    keys = mass.shape[-1]
    distance = positions[:, None] - torch.arange(keys, device=mass.device)
    index = distance.clamp(0, keys - 1).expand_as(mass).flatten(2)
    past = (mass * (distance >= 0)).flatten(2)
    out = mass.new_zeros(*mass.shape[:2], keys)
    return out.scatter_add_(2, index, past) / mass.shape[2]
