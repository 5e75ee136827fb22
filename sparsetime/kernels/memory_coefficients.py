"""Coefficients of a chunk of an associative memory: products of retention, momentum and rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor


@final
@dataclass(frozen=True)
class Rates:
    """Logarithms of retention and momentum, and the writing rate, of every step.

    Each is [1 or batch, heads, 1 or time], or in chunks [1 or batch, heads, chunks, C].
    log_momentum is None for a memory without momentum. They are logarithms, since a product of many
    retentions leaves the range of float32 and a sum does not.
    """

    log_retention: Float[Tensor, "batches heads *time"]
    rate: Float[Tensor, "rate_batches heads *rate_time"]
    log_momentum: Float[Tensor, "momentum_batches heads *momentum_time"] | None = None


def decay_matrix(log_factor: Float[Tensor, "*shape time"]) -> Float[Tensor, "*shape time time"]:
    """Lower-triangular products of factors: L[t, j] = exp(sum of log_factor over j+1 to t).

    The sums are float64, since differences of long sums would cost float32 its last digits; the
    upper triangle is excluded before the exponential, where it would overflow.
    """
    total = log_factor.double().cumsum(-1)
    length = log_factor.shape[-1]
    upper = torch.ones(length, length, dtype=torch.bool, device=log_factor.device).triu(1)
    differences = (total[..., :, None] - total[..., None, :]).to(log_factor.dtype)
    products: Tensor = differences.masked_fill(upper, -torch.inf).exp()
    return products


@final
@dataclass(frozen=True)
class MomentumCoefficients:
    """Of the momentum S that a chunk begins with, and of what the chunk adds to it.

    read: p [.., C]. written: rates of the steps in S at the end [.., C]. kept: of S [..].
    """

    read: Tensor
    written: Tensor
    kept: Tensor


@final
@dataclass(frozen=True)
class Coefficients:
    """The matrix M [.., C, C] of every chunk, and what multiplies the memory it began with."""

    matrix: Tensor
    read: Tensor  # b [.., C]
    momentum: MomentumCoefficients | None = None

    @staticmethod
    def of(rates: Rates) -> Coefficients:
        kept = decay_matrix(rates.log_retention)
        read = rates.log_retention.cumsum(-1).exp()
        if rates.log_momentum is None:
            return Coefficients(kept * rates.rate[..., None, :], read)
        carried = decay_matrix(rates.log_momentum)
        left = rates.log_momentum.cumsum(-1).exp()
        momentum = MomentumCoefficients(
            read=(kept @ left[..., None])[..., 0],
            written=carried[..., -1, :] * rates.rate,
            kept=left[..., -1],
        )
        return Coefficients(kept @ carried * rates.rate[..., None, :], read, momentum)
