"""Matching pursuit: the new atom gets its product with the residual."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.encoders.pursuit import PursuitEncoder


class MatchingPursuitBase(PursuitEncoder):
    """Base class of matching pursuits; kinds differ in when a row is finished."""

    again = True

    def improved(
        self,
        coefficients: Float[Tensor, "rows turns"],
        products: Float[Tensor, "rows turns turns"],
        direct: Float[Tensor, "rows turns"],
        signed: bool,
    ) -> Float[Tensor, "rows turns"]:
        share = direct[:, -1] - (products[:, -1] * coefficients).sum(1)
        return torch.cat([coefficients[:, :-1], share[:, None]], 1)

    def coefficients(
        self, products: Float[Tensor, "rows k k"], direct: Float[Tensor, "rows k"], signed: bool
    ) -> Float[Tensor, "rows k"]:
        """All turns are one triangular system, solved at once in the place of k small steps."""
        identity = torch.eye(direct.shape[1], device=direct.device)
        solved: Tensor = torch.linalg.solve_triangular(
            identity + products.tril(-1), direct[..., None], upper=False, unitriangular=True
        )
        return solved.squeeze(2)


@final
@component("matching_pursuit")
class MatchingPursuitEncoder(MatchingPursuitBase):
    """Matching pursuit over the decoder's rows.

        j = argmax_i <r, d_i>;   z_j += <r, d_j>;   r -= <r, d_j> d_j    (k turns, r = x at first)

    An atom that is chosen twice has the sum of both values, so a row may have fewer than k latents.
    Fewer turns give a prefix of more, so that sparsity can be changed after training.

    Source: Mallat, Zhang 1993, Matching Pursuits With Time-Frequency Dictionaries; unrolled as an
    encoder by Costa et al. 2025, From Flat to Hierarchical, arXiv:2506.03093.
    """
