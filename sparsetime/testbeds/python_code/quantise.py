"""Weights in 8 bits, half of bfloat16: for checkpoints that are read and not trained on."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

_MOST = 127  # of a signed byte, the same on both sides of zero
_SCALE = "/scale"


def in_eight_bits(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Every matrix as int8 [rows, columns] beside a float32 scale a row, `name/scale` [rows].

    The scale takes the largest entry of a row to 127, and entries are rounded to the nearest, so
    that none is off by more than half of its row's scale. Vectors stay as they are: they are small
    and a row of a matrix each would be theirs alone.
    """
    small: dict[str, Tensor] = {}
    for name, weight in weights.items():
        if weight.ndim != 2:
            small[name] = weight
            continue
        exact = weight.float()
        scale = exact.abs().amax(dim=1) / _MOST
        steps = exact / scale.clamp_min(torch.finfo(torch.float32).tiny)[:, None]
        small[name] = steps.round().clamp(-_MOST, _MOST).to(torch.int8)
        small[name + _SCALE] = scale
    return small


def from_eight_bits(small: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights that `in_eight_bits` stands for, in float32."""
    return {
        name: value.float() * small[name + _SCALE][:, None]
        if name + _SCALE in small
        else value.float()
        for name, value in small.items()
        if not name.endswith(_SCALE)
    }
