"""Encoders whose mathematics needs every pre-activation."""

from __future__ import annotations

from abc import abstractmethod

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime import kernels
from sparsetime.dictionaries.encoders.chunked import in_tiles
from sparsetime.dictionaries.encoders.encoder import Encoder
from sparsetime.kernels import Rule, Support

# Elements of one [rows, width] tile when no gradient is wanted: 16 MB.
_TILE_ELEMENTS = 1 << 22


class DenseEncoder(Encoder):
    """Give `pre_activations`, and everything else follows, at a dense encoder's cost.

    In training one [rows, width] tensor exists with its gradient; in use only tiles of a few rows.
    """

    @abstractmethod
    def pre_activations(self, x: Float[Tensor, "rows d"]) -> Float[Tensor, "rows width"]:
        """The pre-activation of every latent on every row, differentiable, row by row alone."""

    def selected(
        self, x: Float[Tensor, "rows d"], rule: Rule, dtype: torch.dtype
    ) -> tuple[Support, Float[Tensor, " entries"]]:
        pre = self.pre_activations(x)
        support = kernels.select_dense(pre.detach(), rule)
        return support, pre[support.row_of_entry, support.indices]

    @torch.no_grad()
    def encoded(
        self, x: Float[Tensor, "rows d"], rule: Rule
    ) -> tuple[Support, Float[Tensor, " entries"]]:
        return in_tiles(
            lambda tile, tile_rule: self.selected(tile, tile_rule, torch.float32),
            x,
            rule,
            _TILE_ELEMENTS // self.width,
            self.width,
        )

    @torch.no_grad()
    def topk_among(
        self, x: Float[Tensor, "rows d"], latents: Int[Tensor, " some"], k: int
    ) -> Support:
        return largest_among(self.pre_activations(x)[:, latents], latents, k, self.width)

    def preacts_of(
        self, x: Float[Tensor, "rows d"], latents: Int[Tensor, " some"]
    ) -> Float[Tensor, "rows some"]:
        return self.pre_activations(x)[:, latents]

    def preacts_at(self, x: Float[Tensor, "rows d"], support: Support) -> Float[Tensor, " entries"]:
        return self.pre_activations(x)[support.row_of_entry, support.indices]


def largest_among(
    pre: Float[Tensor, "rows some"], latents: Int[Tensor, " some"], k: int, width: int
) -> Support:
    """The k largest entries of every row whatever their sign, as places of these latents.

    An entry of exactly 0 is a latent with nothing to read, and is never among them.
    """
    shifted = torch.where(pre == 0, 0.0, pre - pre.min() + 1)
    among = kernels.select_dense(shifted, kernels.TopKRule(k))
    return Support(among.offsets, latents[among.indices], width)
