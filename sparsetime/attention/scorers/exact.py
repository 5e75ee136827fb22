"""Exact attention mass as a score: the oracle."""

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


@final
@component("exact")
class Exact(Scorer):
    """Attention mass of every pair of units, as dense attention has it: the ceiling of scorers.

        s(I, J) = mean_{i in I} sum_{j in J} softmax(scale q_i · K')_j

    It costs as much as dense attention, and measures what estimates miss.

    Source: Gupta et al. 2021, Memory-efficient transformers via top-k attention, section 2.
    """

    is_mass = True

    def __init__(self) -> None:
        super().__init__()

    def score(
        self, inputs: AttentionInputs, grid: UnitGrid
    ) -> Float[Tensor, "b heads query_units key_units"]:
        tiles = []
        for start, stop in grid.query_bounds.unfold(0, 2, 1).tolist():
            mass = attention_mass(inputs, torch.arange(start, stop, device=inputs.q.device))
            tiles.append(grid.over_keys(mass.mean(2)[..., None], "sum")[..., 0])
        return torch.stack(tiles, 2)
