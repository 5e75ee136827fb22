"""Atoms that begin where the activations vary."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.decoders.free import FreeDecoder
from sparsetime.dictionaries.decoders.prefix_groups import checked_groups
from sparsetime.errors import ConfigError


@final
@component("active_subspace")
class ActiveSubspaceDecoder(FreeDecoder):
    """Free atoms of length one that begin in the fewest principal directions of the activations
    that hold a share of `variance`.

    A random direction lies mostly outside a subspace of few dimensions; the latent that begins
    there hardly ever wins and stays dead. Training may leave the subspace.

    Source: Wang et al. 2025, Attention Layers Add Into Low-Dimensional Residual Subspaces,
    arXiv:2508.16929.
    """

    from_data = True

    def __init__(
        self,
        width: int,
        d_out: int,
        groups: tuple[int, ...] | list[int] | None = None,
        variance: float = 0.99,
    ) -> None:
        if not 0 < variance <= 1:
            raise ConfigError(
                f"variance is the share that the subspace holds, above 0 and at most 1; given: "
                f"{variance}"
            )
        ends = checked_groups(width, groups)
        super().__init__(width=width, d_out=d_out, groups=list(ends), variance=variance)
        self.width, self.d_out, self.groups, self.variance = width, d_out, ends, variance
        self.weight = nn.Parameter(torch.zeros(width, d_out))
        self.bias = nn.Parameter(torch.zeros(d_out))

    @torch.no_grad()
    def init_from_data(self, x: Float[Tensor, "rows d"]) -> None:
        """Project the random directions into the subspace that the sample varies in."""
        basis = principal_directions(x, self.variance)
        self.weight.copy_(self.weight @ basis @ basis.T)
        self.normalise()


def principal_directions(
    x: Float[Tensor, "rows d"], variance: float
) -> Float[Tensor, "d directions"]:
    """The fewest orthonormal directions, as columns, that hold a share of the rows' variance."""
    centred = x - x.mean(0)
    values, vectors = torch.linalg.eigh(centred.T @ centred)
    held = values.flip(0).clamp_min(0).cumsum(0)
    few = int((held < variance * held[-1]).sum()) + 1
    kept: Tensor = vectors.flip(1)[:, : min(few, x.shape[1])]
    return kept


def effective_rank(x: Float[Tensor, "rows d"]) -> float:
    """The exponential of the entropy of the shares of variance along principal directions.

    From 1, where all rows vary along one line, to d, where they vary alike in all directions.

    Source: Roy, Vetterli 2007, The Effective Rank: A Measure of Effective Dimensionality, here of
    the covariance.
    """
    centred = x - x.mean(0)
    values = torch.linalg.eigvalsh(centred.T @ centred).clamp_min(0)
    shares = values / values.sum()
    return float(torch.special.entr(shares).sum().exp())
