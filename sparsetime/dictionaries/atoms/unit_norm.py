"""The atoms of most dictionaries."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.dictionaries.atoms.atoms import Atoms
from sparsetime.dictionaries.atoms.groups import checked_groups
from sparsetime.dictionaries.part import part


@final
@part("unit_norm")
class UnitNormAtoms(Atoms):
    """Free atoms of length one, an offset, and nested groups.

    weight: [width, d_out], every row of unit Euclidean norm; bias: [d_out].

    `groups` are the ends of nested prefixes: with `(64, 256)` the first 64 latents must explain
    the activation alone as well as they can, and all 256 together (Matryoshka). A plain
    dictionary has one group, `(width,)`.
    """

    unit_rows = frozenset({"weight"})

    def __init__(
        self, width: int, d_out: int, groups: tuple[int, ...] | list[int] | None = None
    ) -> None:
        ends = checked_groups(width, groups)
        super().__init__(width=width, d_out=d_out, groups=list(ends))
        self.width, self.d_out, self.groups = width, d_out, ends
        self.weight = nn.Parameter(torch.zeros(width, d_out))
        self.bias = nn.Parameter(torch.zeros(d_out))

    def vectors(self) -> Float[Tensor, "width d"]:
        return self.weight

    @torch.no_grad()
    def start(self, generator: torch.Generator) -> None:
        """Random directions, uniform on the sphere."""
        self.weight.copy_(torch.randn(self.width, self.d_out, generator=generator))
        self.normalise()

    @torch.no_grad()
    def normalise(self) -> None:
        """Back to length one."""
        self.weight.div_(self.weight.norm(dim=1, keepdim=True).clamp_min_(1e-8))
