"""Layout of blocks of permuted keys: important keys of a segment share blocks."""

from __future__ import annotations

from dataclasses import replace
from typing import final

import torch

from sparsetime.attention.grid import UnitGrid
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.layouts.layout import Layout
from sparsetime.attention.mass import attention_mass
from sparsetime.attention_pattern import bounds_of
from sparsetime.components import component
from sparsetime.errors import ConfigError
from sparsetime.key_range import KeyRange


@final
@component("permuted")
class Permuted(Layout):
    """Blocks of keys that are sorted, within segments, by the attention mass of the last queries.

        order(segment) = argsort_j -mean_{i in last block} softmax(scale q_i · K')_j

    Attention does not depend on the order of its keys, and every key keeps its position, so causal
    attention over all blocks stays exact. Queries keep their order.

    Source: Wang et al. 2025, Sparser block-sparse attention via token permutation, section 3.
    """

    def __init__(self, size: int = 16, tile: int = 16, segment: int = 128) -> None:
        if min(size, tile) < 1 or segment < size:
            raise ConfigError(
                f"got blocks of {size} keys, tiles of {tile} and segments of {segment}, expected 1 "
                "or more, and segments of at least a block"
            )
        super().__init__(size=size, tile=tile, segment=segment)
        self.size, self.tile, self.segment = size, tile, segment

    @torch.no_grad()
    def _order(self, inputs: AttentionInputs) -> torch.Tensor:
        """The place of every key of every head of keys, segment by segment."""
        count = min(self.size, inputs.queries)
        last = torch.arange(inputs.queries - count, inputs.queries, device=inputs.q.device)
        mass = attention_mass(inputs, last).mean(2).unflatten(1, (-1, inputs.group)).mean(2)
        segment = torch.arange(inputs.keys, device=mass.device) // self.segment
        # The last segment holds keys that some queries cannot read yet: it keeps its order.
        whole = segment < segment[-1]
        by_mass = torch.where(whole, -mass, torch.arange(inputs.keys, device=mass.device).float())
        order = by_mass.argsort(stable=True, dim=-1)
        of_segment: torch.Tensor = order.gather(-1, segment[order].argsort(stable=True, dim=-1))
        return of_segment

    def arranged(self, inputs: AttentionInputs) -> AttentionInputs:
        order = self._order(inputs)
        at = order[..., None]
        k = inputs.k.gather(2, at.expand_as(inputs.k))
        v = inputs.v.gather(2, at.expand_as(inputs.v))
        positions = inputs.readable.positions.expand(*order.shape[:2], -1).gather(2, order)
        positions = positions.repeat_interleave(inputs.group, 1)
        readable = KeyRange(inputs.readable.first, inputs.readable.last, positions)
        return replace(inputs, k=k, v=v, readable=readable)

    def grid(self, inputs: AttentionInputs) -> UnitGrid:
        device = inputs.q.device
        return UnitGrid(
            bounds_of(inputs.queries, self.tile, device),
            bounds_of(inputs.keys, self.size, device),
            inputs.readable,
            inputs.query_positions,
        )
