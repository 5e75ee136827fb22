"""Encoding of some rows at a time, where a row takes much memory on its way."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import kernels
from sparsetime.kernels import Rule, Support

Selected: TypeAlias = Callable[[Tensor, Rule], tuple[Support, Tensor]]


def in_tiles(
    selected: Selected, x: Float[Tensor, "rows d"], rule: Rule, rows: int, width: int
) -> tuple[Support, Float[Tensor, " entries"]]:
    """`selected(x, rule)` of at most `rows` rows at a time; each row must not look at others."""
    at_once = max(1, rows)
    offsets, indices, values = [torch.zeros(1, dtype=torch.int64, device=x.device)], [], []
    for start in range(0, x.shape[0], at_once):
        tile = x[start : start + at_once]
        support, pre = selected(tile, kernels.rule_of_rows(rule, start, start + tile.shape[0]))
        offsets.append(support.offsets[1:] + offsets[-1][-1])
        indices.append(support.indices)
        values.append(pre)
    if not indices:
        none = torch.zeros(0, dtype=torch.int64, device=x.device)
        return Support(offsets[0], none, width), x.new_zeros(0)
    return Support(torch.cat(offsets), torch.cat(indices), width), torch.cat(values)
