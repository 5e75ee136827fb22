"""Orthogonal matching pursuit: least squares on all chosen atoms in every turn."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.encoders.pursuit import PursuitEncoder

_RIDGE = 1e-6  # beside products of 1, so that two atoms that are nearly one can be solved for


@final
@component("orthogonal_pursuit")
class OrthogonalPursuitEncoder(PursuitEncoder):
    """Orthogonal matching pursuit over the decoder's rows.

        z_S = argmin_z || x - z D_S ||^2    after every turn, S the atoms chosen so far

    The residual is orthogonal to each chosen atom. Where values may not be negative, atoms with a
    negative value are left out and the others are solved for again, until none is negative.

    Source: Pati, Rezaiifar, Krishnaprasad 1993, Orthogonal Matching Pursuit; the treatment of
    negative values is this library's.
    """

    def improved(
        self,
        coefficients: Float[Tensor, "rows turns"],
        products: Float[Tensor, "rows turns turns"],
        direct: Float[Tensor, "rows turns"],
        signed: bool,
    ) -> Float[Tensor, "rows turns"]:
        return self.coefficients(products, direct, signed)

    def coefficients(
        self, products: Float[Tensor, "rows k k"], direct: Float[Tensor, "rows k"], signed: bool
    ) -> Float[Tensor, "rows k"]:
        used = products.diagonal(dim1=1, dim2=2) > 0
        coefficients = _least_squares(products, direct, used)
        while not signed and bool((coefficients < 0).any()):
            used = used & (coefficients > 0)
            coefficients = _least_squares(products, direct, used)
        return coefficients


def _least_squares(
    products: Float[Tensor, "rows k k"],
    direct: Float[Tensor, "rows k"],
    used: Bool[Tensor, "rows k"],
) -> Float[Tensor, "rows k"]:
    """The coefficients of the used atoms that leave least; zero for the others."""
    both = used[:, :, None] & used[:, None]
    unused = torch.diag_embed((~used).to(direct) + _RIDGE)
    solved: Tensor = torch.linalg.solve(products * both + unused, (direct * used)[..., None])
    return solved.squeeze(2)
