"""Lifted decoder: atoms learnt in more dimensions and projected back."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize

from sparsetime.components import component
from sparsetime.dictionaries.decoders.decoder import Decoder
from sparsetime.dictionaries.decoders.prefix_groups import checked_groups
from sparsetime.dictionaries.function_spaces.lifting import checked_lift, orthonormal


@final
@component("lifted", example={"lift": 16})
class LiftedDecoder(Decoder):
    """Atoms learnt in `lift` dimensions and projected linearly to those of the activations.

        x̂_n = b + Σ_i z_{n,i} · w_i P / ||w_i P||

    weight: [width, lift], the w_i; projection: [lift, d_out], P; bias: [d_out].

    Source: L-SAE in Tolooshams et al. 2025, Sparse Autoencoder Neural Operators, arXiv:2509.03738;
    unit norm after the projection is this library's.
    """

    undivided = "all its atoms are written through one learnt lifting"

    def __init__(
        self,
        width: int,
        d_out: int,
        lift: int,
        groups: tuple[int, ...] | list[int] | None = None,
    ) -> None:
        ends = checked_groups(width, groups)
        super().__init__(
            width=width, d_out=d_out, lift=checked_lift(lift, d_out), groups=list(ends)
        )
        self.width, self.d_out, self.groups = width, d_out, ends
        self.weight = nn.Parameter(torch.zeros(width, lift))
        self.projection = nn.Parameter(torch.zeros(lift, d_out))
        self.bias = nn.Parameter(torch.zeros(d_out))

    def vectors(self) -> Float[Tensor, "width d"]:
        return normalize(self.weight @ self.projection, dim=1)

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Random directions of the lifted space and a random projection."""
        self.weight.copy_(torch.randn(self.weight.shape, generator=generator))
        self.weight.div_(self.weight.norm(dim=1, keepdim=True))
        self.projection.copy_(orthonormal(len(self.projection), self.d_out, generator))
