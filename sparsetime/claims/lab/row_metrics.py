"""Metrics of a dictionary on rows in memory."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.statistics.fvu import FvuSums

_CHUNK = 4096


@torch.no_grad()
def fvu(
    dictionary: Dictionary,
    x: Float[Tensor, "rows d_in"],
    target: Float[Tensor, "rows d_out"] | None = None,
) -> float:
    """Fraction of variance unexplained, of `x` or of the `target` of a transcoder.

    FVU = sum_i ||y_i - y_hat_i||^2 / sum_i ||y_i - mean(y)||^2
    """
    y = x if target is None else target
    sums = FvuSums(y.shape[1])
    for x_rows, y_rows in zip(x.split(_CHUNK), y.split(_CHUNK), strict=True):
        sums.add(y_rows, y_rows - dictionary(x_rows))
    return sums.value


def l0(dictionary: Dictionary, x: Float[Tensor, "rows d"]) -> float:
    """Mean number of latents that are active on a row."""
    return dictionary.encode(x).indices.numel() / len(x)


def density(dictionary: Dictionary, x: Float[Tensor, "rows d"]) -> Float[Tensor, " width"]:
    """Share of rows on which each latent is active."""
    active = dictionary.encode(x).indices.cpu()
    return torch.bincount(active, minlength=dictionary.width).float() / len(x)


def dead_share(dictionary: Dictionary, x: Float[Tensor, "rows d"]) -> float:
    """Share of latents that are active on none of the rows."""
    return float((density(dictionary, x) == 0).float().mean())
