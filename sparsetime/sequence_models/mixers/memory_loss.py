"""Losses of an associative memory: what a write reduces, by its gradient in the error."""

from __future__ import annotations

from typing import Literal

import torch

from sparsetime.kernels.associative_memory import Slope

Loss = Literal["dot", "squared", "huber", "pseudo_huber"]


def slope_of(loss: Loss, knee: float) -> Slope | None:
    """The gradient f(e) of a loss of the error e = kW - v; None where it is e itself.

        "squared"        |e|^2 / 2                            f(e) = e
        "huber"          e^2 / 2 up to s, then linear         f(e) = clip(e, -s, s)
        "pseudo_huber"   s sqrt(e^2 + s^2)                    f(e) = e / sqrt(1 + (e / s)^2)

    s: the knee. "dot" (loss -kWv) has the error -v, whatever the memory holds. Every gradient is e
    near 0: with a steeper one, writes overshoot and turn rounding into other memories.

    Source: Behrouz et al. 2025, arXiv:2504.13173, section 5.1.
    """
    if loss == "huber":
        return lambda error: error.clamp(-knee, knee)
    if loss == "pseudo_huber":
        return lambda error: error * torch.rsqrt(1 + (error / knee).square())
    return None
