"""Gradient pursuit: one gradient step on the values of all chosen atoms in every turn."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.encoders.pursuit import PursuitEncoder

_TINY = 1e-12


@final
@component("gradient_pursuit")
class GradientPursuitEncoder(PursuitEncoder):
    """Gradient pursuit over the decoder's rows.

        g = D_S (x - z D_S);   z += a g,   a = |g|^2 / |g D_S|^2    after every turn

    S: the atoms chosen so far; a: the step that lowers the squared error most. Matching pursuit
    changes one value, orthogonal matching pursuit solves for all. Where values may not be negative,
    negative ones become zero.

    Source: Blumensath, Davies 2008, Gradient Pursuits, with the gradient as direction; for language
    models Smith 2024, Replacing SAE Encoders with Inference-Time Optimisation.
    """

    def improved(
        self,
        coefficients: Float[Tensor, "rows turns"],
        products: Float[Tensor, "rows turns turns"],
        direct: Float[Tensor, "rows turns"],
        signed: bool,
    ) -> Float[Tensor, "rows turns"]:
        gradient = direct - (products @ coefficients[..., None]).squeeze(2)
        along = (products @ gradient[..., None]).squeeze(2)
        # Along the gradient the error is a parabola, and this is where it is lowest.
        step = gradient.square().sum(1) / (gradient * along).sum(1).clamp_min(_TINY)
        moved = coefficients + step[:, None] * gradient
        return moved if signed else moved.relu()
