"""Constant fan-in: every live output reads equally many inputs."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.structures.structure import Structure, kept_count, top_mask
from sparsetime.errors import ConfigError


@final
@component("fan_in")
class FanIn(Structure):
    """Equally many entries in every row that has any, at places of its own.

        sum_j M_ij = k for every live row i,  k = floor((1 - s) out in / live rows)

    ablate: a row is removed where fewer than `ablate` times k of its entries are among the largest
    of the whole matrix, and its entries go to the others; 0 removes none.

    Source: Lasby et al. 2024, Dynamic Sparse Training with Structured Sparsity (SRigL), whose
    `ablate` is gamma_sal.
    """

    def __init__(self, ablate: float = 0.0) -> None:
        super().__init__(ablate=ablate)
        if not 0 <= ablate <= 1:
            raise ConfigError(f"got ablate={ablate}, expected a share from 0 to 1")
        self.ablate = ablate

    def objection(self, shape: tuple[int, int], sparsity: float) -> str | None:
        if kept_count(shape[1], sparsity) < 1:
            return (
                f"sparsity {sparsity:g} keeps less than one of its {shape[1]} inputs, expected at "
                f"least one for each output; give at most sparsity {1 - 1 / shape[1]:.4g}"
            )
        return None

    def mask(self, scores: Float[Tensor, "out in"], sparsity: float) -> Bool[Tensor, "out in"]:
        out, inputs = scores.shape
        kept = kept_count(inputs, sparsity)
        live = self._live(scores, kept)
        number = int(live.sum())
        each = min(inputs, kept * out // max(number, 1))
        mask = top_mask(scores, each)
        mask[~live] = False
        return mask

    def _live(self, scores: Float[Tensor, "out in"], kept: int) -> Bool[Tensor, " out"]:
        if not self.ablate:
            return torch.ones(len(scores), dtype=torch.bool, device=scores.device)
        salient = top_mask(scores.flatten(), kept * len(scores)).reshape(scores.shape).sum(1)
        live = salient >= self.ablate * kept
        # The rest must have room for all entries, or else the density would fall.
        least = -(-kept * len(scores) // scores.shape[1])
        if int(live.sum()) < least:
            live = top_mask(salient.float(), least)
        return live

    def holds(self, mask: Bool[Tensor, "out in"]) -> bool:
        counts = mask.sum(1)
        live = counts[counts > 0]
        return bool((live == live[:1]).all())
