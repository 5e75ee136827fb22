"""Summaries of units of cached keys, computed once for every complete unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from sparsetime.attention.grid import UnitGrid
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention_pattern import bounds_of
from sparsetime.key_range import KeyRange


def cached_units(
    name: str,
    inputs: AttentionInputs,
    grid: UnitGrid,
    summarise: Callable[[Tensor, UnitGrid], Tensor],
) -> Tensor:
    """`summarise(keys, grid)` [batch, key heads, units, ...] of all units of keys.

    Units that were complete at an earlier step of the sequence are not computed again.
    """
    size = grid.equal_size
    if size is None or not inputs.state.get("keeps"):
        return summarise(inputs.k.float(), grid)
    kept = inputs.state.get(name)
    done = 0 if kept is None else kept.shape[2]
    begins = done * size
    keys = inputs.k[:, :, begins:].float()
    rest = replace(
        grid,
        key_bounds=bounds_of(keys.shape[2], size, keys.device),
        readable=KeyRange.bidirectional(grid.readable.queries, keys.shape[2], keys.device),
    )
    if kept is None:
        every = summarise(keys, rest)
    else:
        every = torch.cat([kept, summarise(keys, rest)], 2) if keys.shape[2] else kept
    inputs.state[name] = every[:, :, : inputs.keys // size]
    return every
