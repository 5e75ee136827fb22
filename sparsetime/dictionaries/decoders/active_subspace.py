"""Decoder with atoms initialised in the principal subspace of the activations."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.dictionaries.decoders.prefix_groups import checked_groups
from sparsetime.dictionaries.decoders.unit_norm import UnitNormBase
from sparsetime.errors import ConfigError


@final
@component("active_subspace")
class ActiveSubspaceDecoder(UnitNormBase):
    """Unit-norm atoms initialised within the leading principal subspace of the activations.

        x̂_n = b + Σ_i z_{n,i} · w_i,    ||w_i|| = 1
        w_i at the start = P w_i / ||P w_i||,    P: projection on the fewest principal directions
                                                 that hold the fraction `variance` of the variance

    A random direction lies mostly outside a subspace of few dimensions; its latent hardly ever
    wins and stays dead. Training may leave the subspace.

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
                f"got variance={variance}, expected the fraction of variance that the subspace "
                "holds, above 0 and at most 1"
            )
        ends = checked_groups(width, groups)
        super().__init__(width=width, d_out=d_out, groups=list(ends), variance=variance)
        self.width, self.d_out, self.groups, self.variance = width, d_out, ends, variance
        self.weight = nn.Parameter(torch.zeros(width, d_out))
        self.bias = nn.Parameter(torch.zeros(d_out))

    @torch.no_grad()
    def init_from_data(self, x: Float[Tensor, "rows d"]) -> None:
        """Project the random directions onto the principal subspace of the sample."""
        basis = principal_directions(x, self.variance)
        self.weight.copy_(self.weight @ basis @ basis.T)
        self.normalise()


def principal_directions(
    x: Float[Tensor, "rows d"], variance: float
) -> Float[Tensor, "d directions"]:
    """The leading principal directions, as columns, that hold a fraction of the variance."""
    centred = x - x.mean(0)
    values, vectors = torch.linalg.eigh(centred.T @ centred)
    cumulative = values.flip(0).clamp_min(0).cumsum(0)
    count = int((cumulative < variance * cumulative[-1]).sum()) + 1
    leading: Tensor = vectors.flip(1)[:, : min(count, x.shape[1])]
    return leading


def effective_rank(x: Float[Tensor, "rows d"]) -> float:
    """Effective rank of the covariance of rows: exponential of the entropy of its spectrum.

        rank = exp(-Σ_i p_i ln p_i),    p_i: fraction of the variance along direction i

    It is 1 where all rows vary along one line and d where all directions vary alike.

    Source: Roy, Vetterli 2007, The Effective Rank: A Measure of Effective Dimensionality, here of
    the covariance.
    """
    centred = x - x.mean(0)
    values = torch.linalg.eigvalsh(centred.T @ centred).clamp_min(0)
    shares = values / values.sum()
    return float(torch.special.entr(shares).sum().exp())
