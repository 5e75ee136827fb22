"""Mean and spread of each row, by which some libraries normalise the rows that they encode."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.errors import ConfigError

#: How a row is normalised; see `row_statistics`.
RowNorm: TypeAlias = Literal["layer_norm", "constant_norm_rescale"]

_EPSILON = 1e-5  # beside the standard deviation, as SAELens adds it
_LEAST = 1e-30


def row_statistics(
    x: Float[Tensor, "rows d"], norm: RowNorm
) -> tuple[Float[Tensor, "rows 1"], Float[Tensor, "rows 1"], Float[Tensor, "rows d"]]:
    """Mean, spread and normalised form of each row, as SAELens defines them.

        layer_norm:             m = mean(x), s = std(x) with d - 1, n = (x - m) / (s + 1e-5)
        constant_norm_rescale:  m = 0, s = |x| / √d, n = x / s

    A normalised reconstruction y becomes s y + m.
    """
    if norm == "constant_norm_rescale":
        spread = x.norm(dim=1, keepdim=True) / x.shape[1] ** 0.5
        return torch.zeros_like(spread), spread, x / spread.clamp_min(_LEAST)
    mean = x.mean(dim=1, keepdim=True)
    spread = (x - mean).std(dim=1, keepdim=True)
    return mean, spread, (x - mean) / (spread + _EPSILON)


def checked_row_norm(norm: str) -> RowNorm:
    """Errors: ConfigError for a name that is none."""
    if norm not in get_args(RowNorm):
        raise ConfigError(
            f"got norm={norm!r}, expected one of {', '.join(map(repr, get_args(RowNorm)))}"
        )
    return norm  # type: ignore[return-value]
