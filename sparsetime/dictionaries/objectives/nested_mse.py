"""How far every nested prefix of latents is from the activation."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.errors import ConfigError


@final
@component("nested_mse")
class NestedMSE(Term):
    """The squared error of every nested prefix of latents, averaged over the prefixes.

    shares: what every prefix weighs in the average; None for all alike.

    Source: Bussmann et al. 2025, Learning Multi-Level Features with Matryoshka Sparse
    Autoencoders, arXiv:2503.17547.
    """

    is_reconstruction = True

    def __init__(self, weight: float = 1.0, shares: list[float] | None = None) -> None:
        if shares is not None and (min(shares, default=0) <= 0 or abs(sum(shares) - 1) > 1e-6):
            raise ConfigError(
                f"shares of the prefixes must be positive and add up to 1; given: {shares}"
            )
        super().__init__(weight=weight, shares=shares)
        self.weight, self.shares = weight, shares

    def incompatibility(self, composition: Composition) -> str | None:
        if self.shares is not None and len(self.shares) != len(composition.groups):
            return (
                f"nested_mse has {len(self.shares)} shares and the atoms {len(composition.groups)} "
                "groups: give every group a share"
            )
        if len(composition.groups) > 1:
            return None
        return (
            "nested_mse averages over nested groups of latents and the atoms have one group: give "
            "the atoms `groups`, such as (64, 256, 1024), or take the term 'mse'"
        )

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        decoder = step.decoder
        errors = decoder.nested_errors(step.values, step.support, step.code_target)
        return errors.mean() if self.shares is None else errors @ errors.new_tensor(self.shares)
