"""Planted smooth functions: sparse sums of known functions, on any grid, with noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import seeds
from sparsetime.dictionaries.function_spaces.fourier import fourier_basis


@final
@dataclass(frozen=True, eq=False)
class PlantedFunctions:
    """Known smooth functions with their coefficients in each row.

    coefficients: [width, 2 modes - 1], of Fourier modes, rows of length one. strengths: [rows,
    width], in units of an atom's length on the grid of `points`. noise: standard deviation at a
    point of that grid.
    """

    coefficients: Float[Tensor, "width functions"]
    strengths: Float[Tensor, "rows width"]
    noise: float
    points: int
    seed: int

    def atoms(self, points: int) -> Float[Tensor, "width points"]:
        """Functions on a grid, of length one there."""
        modes = (self.coefficients.shape[1] + 1) // 2
        atoms: Tensor = self.coefficients @ fourier_basis(modes, points)
        return atoms

    def clean(self, points: int) -> Float[Tensor, "rows points"]:
        """Sums on a grid, without noise; grids agree at common points."""
        sums: Tensor = self.strengths @ self.atoms(points) * (points / self.points) ** 0.5
        return sums

    def rows(self, points: int) -> Float[Tensor, "rows points"]:
        """Sums on a grid with noise, whose ratio to each mode is equal on all grids."""
        generator = seeds.torch_generator(self.seed, "planted noise", points)
        clean = self.clean(points)
        noise = self.noise * (points / self.points) ** 0.5
        noisy: Tensor = clean + noise * torch.randn(clean.shape, generator=generator)
        return noisy


def planted_functions(
    seed: int,
    *,
    rows: int = 20_000,
    width: int = 48,
    modes: int = 16,
    active: float = 3.0,
    noise: float = 0.1,
    points: int = 128,
) -> PlantedFunctions:
    """Random functions of `modes` Fourier modes, about `active` in a row, at 0.5 to 1.5 each."""
    generator = seeds.torch_generator(seed, "planted atoms")
    coefficients = torch.randn(width, 2 * modes - 1, generator=generator)
    coefficients /= coefficients.norm(dim=1, keepdim=True)
    generator = seeds.torch_generator(seed, "planted codes")
    active_in_row = torch.rand(rows, width, generator=generator) < active / width
    strengths = active_in_row * (0.5 + torch.rand(rows, width, generator=generator))
    return PlantedFunctions(coefficients, strengths, noise, points, seed)
