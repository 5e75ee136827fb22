"""Quantisation of weights to int8 with a scale a row, for snapshots that are only evaluated."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

_LARGEST = 127  # of a signed byte, the same on both sides of zero
_SCALE = "/scale"


def quantise_int8(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Quantise every matrix to int8 [rows, columns] with a float32 scale a row, `name/scale`.

    The scale takes the largest entry of a row to 127, and entries are rounded to the nearest, so
    that the error is at most half of its row's scale. Vectors are small and stay as they are.
    """
    small: dict[str, Tensor] = {}
    for name, weight in weights.items():
        if weight.ndim != 2:
            small[name] = weight
            continue
        exact = weight.float()
        scale = exact.abs().amax(dim=1) / _LARGEST
        steps = exact / scale.clamp_min(torch.finfo(torch.float32).tiny)[:, None]
        small[name] = steps.round().clamp(-_LARGEST, _LARGEST).to(torch.int8)
        small[name + _SCALE] = scale
    return small


def dequantise_int8(small: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights that `quantise_int8` quantised, in float32."""
    return {
        name: value.float() * small[name + _SCALE][:, None]
        if name + _SCALE in small
        else value.float()
        for name, value in small.items()
        if not name.endswith(_SCALE)
    }
