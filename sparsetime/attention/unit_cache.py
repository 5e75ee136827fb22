"""Summaries of cached keys, single or by unit, computed once for every complete unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

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
    kept, done = inputs.state.get(name, (None, 0))
    units = -(-inputs.keys // size)
    if done < units:
        rest = summarise(inputs.k[:, :, done * size :].float())
        if kept is None or kept.shape[2] < units:
            # Room to grow: a step of decoding must not copy what it keeps.
            grown = rest.new_empty(*rest.shape[:2], units + units // 8 + 1, *rest.shape[3:])
            if kept is not None:
                grown[:, :, :done] = kept[:, :, :done]
            kept = grown
        kept[:, :, done:units] = rest
        inputs.state[name] = kept, inputs.keys // size
    every: Tensor = kept[:, :, :units]
    return every
