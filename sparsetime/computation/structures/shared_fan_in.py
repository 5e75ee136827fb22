"""Shared fan-in: tiles of outputs that read the same inputs."""

from __future__ import annotations

from typing import final

from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.structures.structure import Structure, kept_count, top_mask
from sparsetime.errors import ConfigError


@final
@component("shared_fan_in", example={"tile": 4})
class SharedFanIn(Structure):
    """Equally many inputs for every tile of consecutive outputs, the same for all of the tile.

        M_ij = M_tj for all i of the tile t,  sum_j M_tj = k

    tile: outputs of a tile. It runs as one product a tile on any hardware, and costs more loss than
    constant fan-in.

    Source: Narang, Undersander and Diamos 2017, Block-Sparse Recurrent Neural Networks, with blocks
    of one column, and equally many in every tile.
    """

    def __init__(self, tile: int = 64) -> None:
        super().__init__(tile=tile)
        if tile < 1:
            raise ConfigError(f"got tile={tile}, expected at least 1 output")
        self.tile = tile

    def objection(self, shape: tuple[int, int], sparsity: float) -> str | None:
        if shape[0] % self.tile:
            return f"its {shape[0]} outputs are not divided by tile={self.tile}; choose another"
        if kept_count(shape[1], sparsity) < 1:
            return f"sparsity {sparsity:g} keeps none of its {shape[1]} inputs; give a lower one"
        return None

    def mask(self, scores: Float[Tensor, "out in"], sparsity: float) -> Bool[Tensor, "out in"]:
        sums = scores.unflatten(0, (-1, self.tile)).sum(1)
        kept = top_mask(sums, kept_count(scores.shape[1], sparsity))
        return kept.repeat_interleave(self.tile, 0)

    def holds(self, mask: Bool[Tensor, "out in"]) -> bool:
        tiles = mask.unflatten(0, (-1, self.tile))
        counts = tiles[:, 0].sum(1)
        return bool((tiles == tiles[:, :1]).all()) and bool((counts == counts[:1]).all())
