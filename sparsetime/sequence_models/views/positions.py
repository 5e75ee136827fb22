"""Sines of a position at several frequencies, which vectors hold as their place in time."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

_LONGEST = 10_000.0  # steps; longest wavelength over 2 pi


def sine_positions(count: int, d: int) -> Float[Tensor, "count d"]:
    """Position p as [sin(p w_i), cos(p w_i)], w_i = 10000^(-2i / d).

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.5.
    """
    pairs = (d + 1) // 2
    rate = _LONGEST ** -(torch.arange(pairs) * 2.0 / d)
    angle = torch.arange(count)[:, None] * rate
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(1)[:, :d]


def time_and_place(times: int, place: Float[Tensor, "places d"]) -> Float[Tensor, "vectors d"]:
    """The sum of a time's sines and a place's vector, time after time, at each the places."""
    time = sine_positions(times, place.shape[1]).to(place)
    return (time[:, None] + place).flatten(0, 1)


def small_vectors(count: int, d: int) -> nn.Parameter:
    """Learnt vectors, at first near 0: Normal(0, 0.02^2)."""
    return nn.Parameter(0.02 * nn.Embedding(count, d).weight.detach())
