"""Decoders whose atoms are free parameters of unit norm."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.dictionaries.decoders.decoder import Decoder
from sparsetime.dictionaries.decoders.prefix_groups import checked_groups


class UnitNormBase(Decoder):
    """Base class of decoders whose atoms are parameters of unit norm.

    Kinds differ in the initialisation of the atoms.

        x̂_n = b + Σ_i z_{n,i} · w_i,    ||w_i|| = 1

    weight: [width, d_out], every row of unit Euclidean norm; bias: [d_out].
    """

    unit_rows = frozenset({"weight"})
    latent_tensors: frozenset[str] | None = frozenset({"weight"})
    weight: nn.Parameter

    def vectors(self) -> Float[Tensor, "width d"]:
        return self.weight

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Random directions, uniform on the sphere."""
        self.weight.copy_(torch.randn(self.width, self.d_out, generator=generator))
        self.normalise()

    @torch.no_grad()
    def normalise(self) -> None:
        """Scale every atom to unit norm."""
        self.weight.div_(self.weight.norm(dim=1, keepdim=True).clamp_min_(1e-8))


@final
@component("unit_norm")
class UnitNormDecoder(UnitNormBase):
    """Free atoms of unit norm, randomly initialised, with an offset and nested groups.

        x̂_n = b + Σ_i z_{n,i} · w_i,    ||w_i|| = 1

    `groups` are the ends of nested prefixes: with `(64, 256)` the first 64 latents must
    reconstruct the activation alone as well as they can, and all 256 together (Matryoshka). A
    plain dictionary has one group, `(width,)`.

    weight: [width, d_out]; bias: [d_out].

    Source: Bricken et al. 2023, Towards Monosemanticity, for unit norm; Bussmann et al. 2025,
    arXiv:2503.17547, for nested groups.
    """

    def __init__(
        self, width: int, d_out: int, groups: tuple[int, ...] | list[int] | None = None
    ) -> None:
        ends = checked_groups(width, groups)
        super().__init__(width=width, d_out=d_out, groups=list(ends))
        self.width, self.d_out, self.groups = width, d_out, ends
        self.weight = nn.Parameter(torch.zeros(width, d_out))
        self.bias = nn.Parameter(torch.zeros(d_out))
