"""Description length (MDL) of code and residual."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.forward_pass import ForwardPass, of_class
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.dictionaries.sparsifiers.jump_base import JumpBase
from sparsetime.errors import ConfigError


def bits(
    frequency: Float[Tensor, " width"],
    square: Float[Tensor, ""],
    error: Float[Tensor, " d"],
    precision: float,
) -> Float[Tensor, ""]:
    """Description length of a row in bits: active latents, their values, and the residual.

        bits = Σ_i H(p_i) + Σ_i p_i · C(square) + Σ_d C(error_d)
        C(q) = log2(1 + q / precision²) / 2,    H: binary entropy

    frequency: p_i, share of rows on which each latent is active. square: mean square of the active
    values. error: mean square of the residual in each dimension. C is the capacity of a Gaussian
    channel: the bits of a number of mean square q to within `precision`.
    """

    def capacity(mean_square: Tensor) -> Tensor:
        return torch.log2(1 + mean_square / precision**2) / 2

    p = frequency.clamp(1e-7, 1 - 1e-7)
    entropy = -(p * p.log2() + (1 - p) * (1 - p).log2()).sum()
    return entropy + frequency.sum() * capacity(square) + capacity(error).sum()


@final
@component("description_length")
class DescriptionLength(Term):
    """Description length of code and residual, in bits per dimension of a row.

        loss = (Σ_i H(p_i) + Σ_i p_i · C(s) + Σ_d C(e_d)) / d
        C(q) = log2(1 + q / precision²) / 2,    H: binary entropy

    p_i: share of rows on which latent i is active; s: mean square of active values; e_d: mean
    squared error in dimension d. Frequencies are those of the batch, with straight-through
    gradients. `precision` is in units of the normalised activation, whose d dimensions have a mean
    square of 1/d each. It replaces both the reconstruction error and the sparsity penalty.

    Source: Ayonrinde, Pearce, Sharkey 2024, Interpretability as Compression, arXiv:2410.11179,
    written from the abstract; the coding of values is this library's.
    """

    is_reconstruction = True
    is_sparsity_penalty = True

    undivided = "it counts the bits of all latents together"

    def __init__(self, precision: float = 0.01, weight: float = 1.0) -> None:
        if precision <= 0:
            raise ConfigError(f"got precision={precision}, expected a number above 0")
        super().__init__(precision=precision, weight=weight)
        self.precision = precision

    def incompatibility(self, composition: Composition) -> str | None:
        if isinstance(composition.sparsifier.innermost, JumpBase):
            return None
        return (
            f"got the sparsifier {composition.sparsifier.kind!r}, expected one whose count of "
            f"active latents has a gradient, as the term {self.kind!r} requires; take 'jumprelu'"
        )

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        sparsifier = of_class(step.sparsifier.innermost, JumpBase)  # type: ignore[type-abstract]
        indices, rows = step.support.indices, step.x.shape[0]
        active = sparsifier.is_on(step.pre, indices)
        frequency = step.x.new_zeros(step.support.width).index_add(0, indices, active) / rows
        square = step.values.square().sum() / active.detach().sum().clamp_min(1)
        error = (step.reconstruction - step.target).square().mean(0)
        return bits(frequency, square, error, self.precision) / error.shape[0]
