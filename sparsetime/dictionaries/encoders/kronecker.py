"""Kronecker encoder: latents are pairs of fewer directions."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import normalize

from sparsetime.components import component
from sparsetime.dictionaries.encoders.dense import largest_among
from sparsetime.dictionaries.encoders.select_dense import SelectDenseEncoder
from sparsetime.errors import ConfigError
from sparsetime.kernels import Support


@final
@component("kronecker", example={"base": 2, "extension": 2})
class KroneckerEncoder(SelectDenseEncoder):
    """Kronecker encoder: the soft AND of a `base` and an `extension` direction per latent.

        pre[h, i, j] = mAND(u[h, i], v[h, j]),   u = U x + a,   v = V x + c
        mAND(u, v) = sqrt(u v) where u > 0 and v > 0, else 0

    The width is split into heads h of `base * extension` latents. A head has base + extension
    directions instead of their product.

    base_weight U: [heads * base, d_in]; extension_weight V: [heads * extension, d_in];
    base_bias a: [heads * base]; extension_bias c: [heads * extension].

    Source: Kurochkin et al. 2025, Train Sparse Autoencoders Efficiently by Utilizing Features
    Correlation, arXiv:2505.22255. The biases are an addition.
    """

    undivided = (
        "a latent's weights are products of factors that it shares with its neighbours in width"
    )
    scalable = True

    def __init__(self, d_in: int, width: int, base: int = 4, extension: int = 4) -> None:
        if base < 1 or extension < 1 or width % (base * extension):
            raise ConfigError(
                f"got width={width}, expected a multiple of {base} * {extension}: each head has "
                "base * extension latents"
            )
        super().__init__(d_in=d_in, width=width, base=base, extension=extension)
        self.d_in, self.width, self.base, self.extension = d_in, width, base, extension
        self.heads = width // (base * extension)
        self.base_weight = nn.Parameter(torch.zeros(self.heads * base, d_in))
        self.base_bias = nn.Parameter(torch.zeros(self.heads * base))
        self.extension_weight = nn.Parameter(torch.zeros(self.heads * extension, d_in))
        self.extension_bias = nn.Parameter(torch.zeros(self.heads * extension))

    def pre_activations(self, x: Float[Tensor, "rows d"]) -> Float[Tensor, "rows width"]:
        bases, extensions = self._factors(x)
        pairs = soft_and(
            bases.reshape(-1, self.heads, self.base, 1),
            extensions.reshape(-1, self.heads, 1, self.extension),
        )
        return pairs.reshape(x.shape[0], self.width)

    def preacts_of(
        self, x: Float[Tensor, "rows d"], latents: Int[Tensor, " some"]
    ) -> Float[Tensor, "rows some"]:
        bases, extensions = self._factors(x)
        base, extension = self._pair(latents)
        return signed_and(bases[:, base], extensions[:, extension])

    def preacts_at(self, x: Float[Tensor, "rows d"], support: Support) -> Float[Tensor, " entries"]:
        bases, extensions = self._factors(x)
        row = support.row_of_entry
        base, extension = self._pair(support.indices)
        return signed_and(bases[row, base], extensions[row, extension])

    @torch.no_grad()
    def topk_among(
        self, x: Float[Tensor, "rows d"], latents: Int[Tensor, " some"], k: int
    ) -> Support:
        return largest_among(self.preacts_of(x, latents), latents, k, self.width)

    @torch.no_grad()
    def rescale(self, factor: float) -> None:
        """A pair is the root of a product, so each of the two takes the whole factor."""
        self.base_weight.mul_(factor)
        self.extension_weight.mul_(factor)

    @torch.no_grad()
    def init_from(self, directions: Float[Tensor, "width d"]) -> None:
        """Each base and extension begins as the mean of the latents that it takes part in."""
        grid = directions.reshape(self.heads, self.base, self.extension, self.d_in)
        self.base_weight.copy_(normalize(grid.mean(2).flatten(0, 1), dim=1))
        self.extension_weight.copy_(normalize(grid.mean(1).flatten(0, 1), dim=1))
        self.base_bias.zero_()
        self.extension_bias.zero_()

    def _pair(self, latents: Int[Tensor, " some"]) -> tuple[Tensor, Tensor]:
        """The rows of U and V whose soft AND each latent is."""
        head = latents // (self.base * self.extension)
        return latents // self.extension, head * self.extension + latents % self.extension

    def _factors(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return (
            x @ self.base_weight.T + self.base_bias,
            x @ self.extension_weight.T + self.extension_bias,
        )


def soft_and(u: Float[Tensor, "*u"], v: Float[Tensor, "*v"]) -> Float[Tensor, "*both"]:
    """`sqrt(u * v)` where both are positive, and zero elsewhere (mAND); u and v broadcast.

    Source: Kurochkin et al. 2025, arXiv:2505.22255.
    """
    both = (u > 0) & (v > 0)
    # The root has no finite gradient at zero, so the entries that are off never meet it.
    root = torch.where(both, u * v, torch.ones_like(u * v)).sqrt()
    return root * both


def signed_and(u: Float[Tensor, "*shape"], v: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """`soft_and` where both are positive, and below zero elsewhere: u + v - sqrt(u² + v²).

    The soft AND alone is flat where a latent is off, so that a dead latent could never return. The
    continuation is zero on the same border, negative beyond it, and gives gradient to both factors.

    Source of the continuation: Fischer 1992, A special Newton-type optimization method.
    """
    both = (u > 0) & (v > 0)
    length = torch.where(both, torch.ones_like(u), u.square() + v.square()).clamp_min(1e-30)
    return torch.where(both, soft_and(u, v), u + v - length.sqrt())
