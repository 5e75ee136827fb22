"""Residuals of nested prefixes of a code, with all that the gradient of their squares needs."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class NestedResiduals:
    """Squared residuals of nested prefixes, and what their gradient is made of.

        r_{n,g} = target_n - bias - Σ_{i < end_g} z_{n,i} · atom_i
        errors_n = Σ_g share_g ||r_{n,g}||²
        slopes_{n,g} = Σ_{h >= g} share_h r_{n,h}
        dots_e = slopes_{n,g} · atom_i,    for the entry e of latent i of group g in row n

    An entry contributes to the prefix of its own group and to all later ones, so -2 dots_e is the
    derivative of the summed errors by its value. residual: r of the last group.
    """

    errors: Float[Tensor, " rows"]
    slopes: Float[Tensor, "rows groups d"]
    dots: Float[Tensor, " entries"]
    residual: Float[Tensor, "rows d"]
