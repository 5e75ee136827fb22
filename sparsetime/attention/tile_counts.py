"""Tile simulator: how many tiles a block-sparse kernel computes for a mask, and the speed-up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from jaxtyping import Bool
from torch import Tensor
from torch.nn import functional


@final
@dataclass(frozen=True)
class TileCount:
    """Tiles of queries and keys with at least one read pair, of all; and the pairs.

    speedup: all tiles by computed tiles, what a kernel that skips empty tiles gains at most. limit:
    all pairs by read pairs, what it would gain if tiles were single pairs.
    """

    computed: int
    tiles: int
    pairs: int
    all_pairs: int

    @property
    def speedup(self) -> float:
        return self.tiles / max(1, self.computed)

    @property
    def limit(self) -> float:
        return self.all_pairs / max(1, self.pairs)


def tile_count(mask: Bool[Tensor, "queries keys"], query_tile: int, key_tile: int) -> TileCount:
    """The tiles of a mask that a kernel with tiles of this size computes.

    Source: Hassani et al. 2025 (arXiv:2504.16922), section 4: the analytical tile simulator.
    """
    rows, columns = -mask.shape[0] % query_tile, -mask.shape[1] % key_tile
    padded = functional.pad(mask, (0, columns, 0, rows))
    tiled = padded.unflatten(0, (-1, query_tile)).unflatten(2, (-1, key_tile))
    some = tiled.any(3).any(1)
    return TileCount(int(some.sum()), some.numel(), int(mask.sum()), mask.numel())
