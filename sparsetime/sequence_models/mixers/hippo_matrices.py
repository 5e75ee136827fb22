"""Transition matrices of HiPPO, and the signal that their coefficients stand for."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

Transition = Literal["legs", "legt", "random"]


def transition(
    kind: Transition, states: int, generator: torch.Generator | None = None
) -> tuple[Float[Tensor, "states states"], Float[Tensor, " states"]]:
    """A and B of dc/dt = A c + B f.

        "legs"     A[n, k] = -sqrt((2n + 1)(2k + 1)) for k < n, -(n + 1) for k = n, else 0
                   B[n] = sqrt(2n + 1)          all of the past, in scaled Legendre polynomials
        "legt"     A[n, k] = -(2n + 1) (-1)^(n - k) for k <= n, else -(2n + 1)
                   B[n] = (2n + 1) (-1)^n        a window of one unit of time (LMU)
        "random"   A = G / sqrt(states) - I, B = sqrt(2n + 1), G standard normal: no structure

    generator: of "random".

    Source: Gu et al. 2020, HiPPO, arXiv:2008.07669, appendix D; Voelker et al. 2019 (LMU).
    """
    n = torch.arange(states, dtype=torch.float64)
    root = (2 * n + 1).sqrt()
    if kind == "legs":
        lower = -root[:, None] * root[None]
        return lower.tril(-1) - torch.diag(n + 1), root
    if kind == "legt":
        sign = (-1.0) ** n
        lower = sign[:, None] * sign[None]
        return -(2 * n + 1)[:, None] * (lower.tril() + torch.ones_like(lower).triu(1)), (
            2 * n + 1
        ) * sign
    noise = torch.randn(states, states, generator=generator, dtype=torch.float64)
    return noise / states**0.5 - torch.eye(states, dtype=torch.float64), root


def reconstruct(
    coefficients: Float[Tensor, "*shape states"], ages: Float[np.ndarray, " points"], kind: str
) -> Float[Tensor, "*shape points"]:
    """The signal that coefficients stand for, at ages from 0 (now) to 1 (the beginning).

        "legs"   f = sum_n c_n sqrt(2n + 1) P_n(1 - 2 age)
        "legt"   f = sum_n c_n P_n(2 age - 1),  the beginning of the window

    P_n: Legendre polynomials.
    """
    from scipy.special import eval_legendre

    n = np.arange(coefficients.shape[-1])[:, None]
    if kind == "legs":
        basis = np.sqrt(2 * n + 1) * eval_legendre(n, 1 - 2 * ages[None])
    else:
        basis = eval_legendre(n, 2 * ages[None] - 1)
    return coefficients @ torch.from_numpy(basis).to(coefficients.dtype)
