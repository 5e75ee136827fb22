"""Products over principal components of the keys as scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.scorers.fitted_scorer import FittedScorer
from sparsetime.components import component
from sparsetime.errors import ConfigError


@final
@component("projected")
class Projected(FittedScorer):
    """Products over the first principal components of the keys.

        s(i, j) = scale (P' q_i) · (P' k_j),   P = the r eigenvectors of E[k k'] of largest values

    Components are those of every head of keys, after its rotary positions.

    Source: Singhania et al. 2024, Loki: low-rank keys for efficient sparse attention, section 3.
    """

    def __init__(self, size: int = 16) -> None:
        if size < 1:
            raise ConfigError(f"got {size} components, expected at least 1")
        super().__init__(size=size)
        self.size = size

    def projection_of(self, calls: Sequence[AttentionInputs]) -> Float[Tensor, "key_heads d r"]:
        keys = torch.cat([call.k.float().transpose(0, 1).flatten(1, 2) for call in calls], 1)
        _, vectors = torch.linalg.eigh(keys.mT @ keys / keys.shape[1])
        largest: Tensor = vectors[:, :, -min(self.size, keys.shape[2]) :].contiguous()
        return largest
