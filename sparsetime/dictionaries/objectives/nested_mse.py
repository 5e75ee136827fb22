"""Reconstruction error of every nested prefix of latents (Matryoshka)."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.errors import ConfigError


@final
@component("nested_mse")
class NestedMSE(Term):
    """Squared reconstruction error of every nested prefix of latents, averaged over the prefixes.

        loss = Σ_g w_g · mean_n ||x_n - x̂_n^(1..m_g)||²,    Σ_g w_g = 1

    x̂^(1..m) uses the first m latents only (Matryoshka).

    shares: the weights w_g of the prefixes; None weighs all alike.

    Source: Bussmann et al. 2025, Learning Multi-Level Features with Matryoshka Sparse
    Autoencoders, arXiv:2503.17547.
    """

    is_reconstruction = True
    latent_tensors = frozenset()
    divides_rows = True

    def __init__(self, weight: float = 1.0, shares: list[float] | None = None) -> None:
        if shares is not None and (min(shares, default=0) <= 0 or abs(sum(shares) - 1) > 1e-6):
            raise ConfigError(
                f"got shares={shares}, expected a positive weight for each prefix, with a sum of 1"
            )
        super().__init__(weight=weight, shares=shares)
        self.shares = shares

    def incompatibility(self, composition: Composition) -> str | None:
        if self.shares is not None and len(self.shares) != len(composition.groups):
            return (
                f"got {len(self.shares)} shares of 'nested_mse' and {len(composition.groups)} "
                "groups of the decoder, expected as many; give every group a share"
            )
        if len(composition.groups) > 1:
            return None
        return (
            "got a decoder with one group of latents, expected nested groups for the term "
            "'nested_mse'; give the decoder `groups`, such as (64, 256, 1024), or take 'mse'"
        )

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        groups = len(step.decoder.groups)
        shares = tuple(self.shares or [1 / groups] * groups)
        decoder = step.decoder
        error, _ = decoder.squared_error(step.values, step.support, step.code_target, shares)
        return step.partition.over_rows(error)
