"""Linear maps into a larger space."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.errors import ConfigError


def checked_lift(lift: int, d: int) -> int:
    """Errors: ConfigError where the lifted space is smaller than that of the activations."""
    if lift < d:
        raise ConfigError(
            f"got lift={lift}, expected at least {d}, the dimension of the activations"
        )
    return lift


def orthonormal(lift: int, d: int, generator: torch.Generator) -> Float[Tensor, "lift d"]:
    """A random map that keeps lengths: its columns are orthonormal."""
    columns: Tensor = torch.linalg.qr(torch.randn(lift, d, generator=generator)).Q
    return columns
