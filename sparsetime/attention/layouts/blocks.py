"""Layout of blocks: units of equal size."""

from __future__ import annotations

from typing import final

from sparsetime.attention.grid import UnitGrid
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.layouts.layout import Layout
from sparsetime.attention_pattern import bounds_of
from sparsetime.components import component
from sparsetime.errors import ConfigError


@final
@component("blocks")
class Blocks(Layout):
    """Blocks of `size` keys, and tiles of `tile` queries; the last of each may be shorter.

        unit(j) = floor(j / size)

    size=1 selects single keys; tile=1 lets every query choose for itself. On a CPU wide tiles of
    queries are fast whatever the size of the blocks of keys.

    Source: Child et al. 2019, Generating long sequences with sparse transformers, section 5.
    """

    def __init__(self, size: int = 16, tile: int = 1) -> None:
        if size < 1 or tile < 1:
            raise ConfigError(f"got blocks of {size} keys and tiles of {tile}, expected 1 or more")
        super().__init__(size=size, tile=tile)
        self.size, self.tile = size, tile

    def grid(self, inputs: AttentionInputs) -> UnitGrid:
        device = inputs.q.device
        return UnitGrid(
            bounds_of(inputs.queries, self.tile, device),
            bounds_of(inputs.keys, self.size, device),
            inputs.readable,
            inputs.query_positions,
        )
