"""Frequencies of a window: an orthonormal basis over its steps, and bands of latents."""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.errors import ConfigError


def fourier_basis(window: int) -> Float[Tensor, "window window"]:
    """Orthonormal rows over the steps of a window: constant, then cosine and sine of 1, 2, ...

    cos(2 pi f t / window) and sin(2 pi f t / window), scaled; an even window ends with its highest
    frequency, which has a cosine alone.
    """
    t = torch.arange(window, dtype=torch.float64)
    rows = [torch.ones(window, dtype=torch.float64)]
    for frequency in range(1, window // 2 + 1):
        angle = 2 * math.pi * frequency * t / window
        rows += [angle.cos()] if 2 * frequency == window else [angle.cos(), angle.sin()]
    basis = torch.stack(rows)
    unit: Tensor = basis / basis.norm(dim=1, keepdim=True)
    return unit.float()


def frequencies(window: int) -> list[int]:
    """The frequency of each row of `fourier_basis`, in cycles a window."""
    return [(row + 1) // 2 for row in range(window)]


def band_mask(width: int, window: int, bands: int) -> Bool[Tensor, "width window"]:
    """Which rows of the basis each latent may use.

    Neighbouring frequencies share a band where there are fewer bands than frequencies, the higher
    bands having one more; a band has a share of the latents, by its number of basis rows.

    Errors: ConfigError for fewer bands than 1 or more than window // 2 + 1, or more than latents.
    """
    most = window // 2 + 1
    if not 1 <= bands <= min(most, width):
        raise ConfigError(
            f"got bands={bands}, expected 1 to {min(most, width)}: a window of {window} steps has "
            f"{most} frequencies, and a band one latent at least"
        )
    # In numpy: a dictionary may be built on torch's meta device, where nothing is counted.
    of_row = np.array([frequency * bands // most for frequency in frequencies(window)])
    ends = np.rint(np.bincount(of_row, minlength=bands).cumsum() * width / window)
    of_latent = np.searchsorted(ends, np.arange(width), side="right").clip(max=bands - 1)
    return torch.tensor(of_latent[:, None] == of_row)
