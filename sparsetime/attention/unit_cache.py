"""Summaries of cached keys, single or by unit, computed once for every complete unit."""

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
    if size is None:
        return summarise(inputs.k.float(), grid)

    def of_keys(keys: Tensor) -> Tensor:
        rest = replace(
            grid,
            key_bounds=bounds_of(keys.shape[2], size, keys.device),
            readable=KeyRange.bidirectional(grid.readable.queries, keys.shape[2], keys.device),
        )
        return summarise(keys, rest)

    return cached_keys(name, inputs, of_keys, size)


def cached_keys(
    name: str, inputs: AttentionInputs, summarise: Callable[[Tensor], Tensor], size: int = 1
) -> Tensor:
    """`summarise(keys)` [batch, key heads, units, ...] of all keys, in units of `size` keys.

    Units that were complete at an earlier step of the sequence are not computed again.
    """
    if not inputs.state.get("keeps"):
        return summarise(inputs.k.float())
    kept: Tensor | None = inputs.state.get(name)
    done = 0 if kept is None else kept.shape[2] * size
    if kept is not None and done == inputs.keys:
        return kept
    every = summarise(inputs.k[:, :, done:].float())
    if kept is not None:
        every = torch.cat([kept, every], 2)
    inputs.state[name] = every[:, :, : inputs.keys // size]
    return every
