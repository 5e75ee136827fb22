"""Attention mass of sampled queries as the score of keys."""

from __future__ import annotations

from typing import Literal, final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from sparsetime.attention.grid import UnitGrid
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.mass import attention_mass
from sparsetime.attention.scorers.scorer import Scorer
from sparsetime.components import component
from sparsetime.errors import ConfigError


@final
@component("sampled_queries")
class SampledQueries(Scorer):
    """Mean attention mass that some queries give to a unit of keys: one score for all tiles.

        s(J) = mean_{i in S} sum_{j in J} softmax(scale q_i · K')_j

    where: the queries S are the last `count`, or `count` at equal distances. pool: width of a
    maximum over neighbouring keys, so that a chosen key brings its neighbours. The mass that the
    prompt's queries gave is kept for decoding; keys that were added later have the score 1.

    Source: Li et al. 2024, SnapKV: LLM knows what you are looking for before generation, section 4
    (last queries); Zhu et al. 2024, SampleAttention, section 3 (equal distances).
    """

    is_mass = True

    def __init__(
        self, count: int = 32, where: Literal["last", "spread"] = "last", pool: int = 1
    ) -> None:
        if count < 1 or pool < 1:
            raise ConfigError(f"got {count} queries and a pool of {pool}, expected 1 or more")
        super().__init__(count=count, where=where, pool=pool)
        self.count, self.where, self.pool = count, where, pool

    def score(
        self, inputs: AttentionInputs, grid: UnitGrid
    ) -> Float[Tensor, "b heads query_units key_units"]:
        if not (inputs.is_decoding and "mass" in inputs.state):
            self.observe(inputs)
        mass = inputs.state["mass"]
        missing = inputs.keys - mass.shape[-1]
        mass = functional.pad(mass, (0, missing), value=1.0)
        if self.pool > 1:
            mass = _pooled(mass, self.pool)
        units = grid.over_keys(mass[..., None], "sum")[..., 0]
        return units[:, :, None].expand(-1, -1, grid.query_units, -1)

    def observe(self, inputs: AttentionInputs) -> None:
        if inputs.is_decoding and "mass" in inputs.state:
            return
        last, count = inputs.queries, min(self.count, inputs.queries)
        if self.where == "last":
            chosen = torch.arange(last - count, last, device=inputs.q.device)
        else:
            chosen = torch.linspace(0, last - 1, count, device=inputs.q.device).long()
        inputs.state["mass"] = attention_mass(inputs, chosen).mean(2)


def _pooled(mass: Tensor, width: int) -> Tensor:
    """Maximum over a window of neighbouring keys, of the same length."""
    out = functional.max_pool1d(mass.flatten(0, 1), width, stride=1, padding=width // 2)[
        ..., : mass.shape[-1]
    ]
    return out.reshape(mass.shape)
