"""How many bits an activation takes, told by its code."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.forward_pass import ForwardPass, of_class
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.dictionaries.sparsifiers.jumprelu import JumpReLU
from sparsetime.errors import ConfigError


def bits(
    frequency: Float[Tensor, " width"],
    strength: Float[Tensor, ""],
    error: Float[Tensor, " d"],
    precision: float,
) -> Float[Tensor, ""]:
    """Mean bits for a row: which latents are on, how strong, and what the reconstruction leaves.

    frequency: how often each latent is on; telling it costs its binary entropy. strength: the mean
    square of the strengths that are on. error: the mean square of the residual in each dimension.
    A number of mean square s costs `log2(1 + s / precision**2) / 2` bits, what a Gaussian channel
    needs to tell it to within `precision`.
    """

    def told(square: Tensor) -> Tensor:
        return torch.log2(1 + square / precision**2) / 2

    p = frequency.clamp(1e-7, 1 - 1e-7)
    places = -(p * p.log2() + (1 - p) * (1 - p).log2()).sum()
    return places + frequency.sum() * told(strength) + told(error).sum()


@final
@component("description_length")
class DescriptionLength(Term):
    """Bits of a row per dimension: code and residual together, in the place of error and sparsity.

    See `bits`; frequencies are those of the batch, with straight-through gradients. `precision` is
    in units of the normalised activation, whose d dimensions have a mean square of 1 / d each.

    Source: Ayonrinde, Pearce, Sharkey 2024, Interpretability as Compression, arXiv:2410.11179,
    written from the abstract: how numbers are told is ours.
    """

    is_reconstruction = True
    is_sparsity_penalty = True

    def __init__(self, precision: float = 0.01, weight: float = 1.0) -> None:
        if precision <= 0:
            raise ConfigError(f"precision must be positive; given: {precision}")
        super().__init__(precision=precision, weight=weight)
        self.precision, self.weight = precision, weight

    def incompatibility(self, composition: Composition) -> str | None:
        if isinstance(composition.sparsifier.innermost, JumpReLU):
            return None
        return (
            f"the term {self.kind!r} counts latents that are on, which needs a sparsifier with a "
            f"straight-through count (jumprelu); this one is {composition.sparsifier.kind!r}"
        )

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        sparsifier = of_class(step.sparsifier.innermost, JumpReLU)
        indices, rows = step.support.indices, step.x.shape[0]
        on = sparsifier.is_on(step.pre, indices)
        frequency = step.x.new_zeros(step.support.width).index_add(0, indices, on) / rows
        strength = step.values.square().sum() / on.detach().sum().clamp_min(1)
        error = (step.reconstruction - step.target).square().mean(0)
        return bits(frequency, strength, error, self.precision) / error.shape[0]
