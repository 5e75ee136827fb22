"""A pursuit that moves the strengths of all atoms taken, along the gradient."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.encoders.pursuit import PursuitEncoder

_TINY = 1e-12


@final
@component("gradient_pursuit")
class GradientPursuitEncoder(PursuitEncoder):
    """In every turn the strengths of all atoms taken go along the gradient of the squared error, as
    far as lowers it most: between matching pursuit, which moves one, and orthogonal matching
    pursuit, which solves for all.

    Where strengths may not be negative, those that would be become zero.

    Source: Blumensath, Davies 2008, Gradient Pursuits, with the gradient as direction; for language
    models Smith 2024, Replacing SAE Encoders with Inference-Time Optimisation.
    """

    def improved(
        self,
        strengths: Float[Tensor, "rows turns"],
        products: Float[Tensor, "rows turns turns"],
        direct: Float[Tensor, "rows turns"],
        signed: bool,
    ) -> Float[Tensor, "rows turns"]:
        gradient = direct - (products @ strengths[..., None]).squeeze(2)
        along = (products @ gradient[..., None]).squeeze(2)
        # Along the gradient the error is a parabola, and this is where it is lowest.
        step = gradient.square().sum(1) / (gradient * along).sum(1).clamp_min(_TINY)
        moved = strengths + step[:, None] * gradient
        return moved if signed else moved.relu()
