"""Tones: points that go round a circle in a plane of the activations, and their detection."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float, Int
from pydantic import Field

from sparsetime.testbeds.tempbench.data import TempBenchSettings


class ToneSettings(TempBenchSettings):
    """Width, noise, and number of points on the circle."""

    points: int = Field(101, ge=3, description="points on the circle")
    d: int = Field(128, ge=2, description="width of the activations")
    noise: float = Field(0.1, ge=0, description="deviation of the noise of every dimension")


def circle(positions: Int[np.ndarray, ...], points: int) -> Float[np.ndarray, "... 2"]:
    """(cos, sin) of the angle of each position."""
    angle = 2 * np.pi * positions / points
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def in_plane(
    activations: Float[np.ndarray, "... d"], plane: Float[np.ndarray, "2 d"]
) -> Complex[np.ndarray, ...]:
    """Coordinates in a plane as complex numbers."""
    coordinates = activations @ plane.T
    numbers: Complex[np.ndarray, ...] = coordinates[..., 0] + 1j * coordinates[..., 1]
    return numbers


def loudest(
    signal: Complex[np.ndarray, "... time"], velocities: tuple[int, ...], points: int
) -> Int[np.ndarray, ...]:
    """Number of the velocity with the largest |sum_t z_t exp(-2 pi i v t / points)|.

    The most likely one where the starting position is unknown and the noise is white.
    """
    time = np.arange(signal.shape[-1])
    tones = np.exp(-2j * np.pi * np.outer(time, velocities) / points)
    number: Int[np.ndarray, ...] = np.abs(signal @ tones).argmax(axis=-1)
    return number
