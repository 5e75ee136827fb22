"""Functions on a regular grid, by their lowest Fourier modes."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.errors import ConfigError


def fourier_basis(modes: int, points: int) -> Float[Tensor, "functions points"]:
    """The constant, and cosines and sines of 1 to `modes - 1` periods, as orthonormal rows.

    A function's products with them grow with the root of the number of points, as its length does.

    Errors: ConfigError below one mode, or with more modes than the points can tell apart.
    """
    most = (points + 1) // 2
    if not 1 <= modes <= most:
        raise ConfigError(
            f"got modes={modes}, expected 1 to {most} Fourier modes of {points} points; take fewer "
            "modes, or sample functions more finely"
        )
    at = torch.arange(points, dtype=torch.float64) / points
    angle = 2 * math.pi * torch.arange(1, modes, dtype=torch.float64)[:, None] * at
    waves = torch.cat([angle.cos(), angle.sin()]) * math.sqrt(2 / points)
    constant = torch.full((1, points), 1 / math.sqrt(points), dtype=torch.float64)
    return torch.cat([constant, waves]).float()


def resampled(x: Float[Tensor, "*rows points"], points: int) -> Float[Tensor, "*rows others"]:
    """Periodic functions on another regular grid, by all Fourier modes that both grids hold."""
    coefficients = torch.fft.rfft(x)
    held = (min(x.shape[-1], points) + 1) // 2
    kept = coefficients[..., :held]
    spectrum = kept.new_zeros(*x.shape[:-1], points // 2 + 1)
    spectrum[..., :held] = kept
    out: Tensor = torch.fft.irfft(spectrum, n=points) * (points / x.shape[-1])
    return out
