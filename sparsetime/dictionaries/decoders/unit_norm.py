"""The atoms of most dictionaries."""

from __future__ import annotations

from typing import final

import torch
from torch import nn

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.decoders.free import FreeDecoder
from sparsetime.dictionaries.decoders.prefix_groups import checked_groups


@final
@component("unit_norm")
class UnitNormDecoder(FreeDecoder):
    """Free atoms of length one that begin at random, an offset, and nested groups.

    `groups` are the ends of nested prefixes: with `(64, 256)` the first 64 latents must explain
    the activation alone as well as they can, and all 256 together (Matryoshka). A plain
    dictionary has one group, `(width,)`.
    """

    def __init__(
        self, width: int, d_out: int, groups: tuple[int, ...] | list[int] | None = None
    ) -> None:
        ends = checked_groups(width, groups)
        super().__init__(width=width, d_out=d_out, groups=list(ends))
        self.width, self.d_out, self.groups = width, d_out, ends
        self.weight = nn.Parameter(torch.zeros(width, d_out))
        self.bias = nn.Parameter(torch.zeros(d_out))
