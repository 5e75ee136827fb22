"""Paths of moving shapes: straight with bounces, on a circle, at rest, and strokes of gestures."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

#: Directions of strokes in pixels, y downwards.
STROKES = {"left": (-1.0, 0.0), "right": (1.0, 0.0), "up": (0.0, -1.0), "down": (0.0, 1.0)}
MOTIONS = ("left", "right", "up", "down", "circling", "resting")

Path2D = Float[np.ndarray, "frames 2"]


def path(motion: str, frames: int, size: int, radius: float, draw: np.random.Generator) -> Path2D:
    """Centres of a shape that moves so, inside a square of `size` pixels."""
    low, high = radius, size - radius
    begin = draw.uniform(low, high, size=2)
    time = np.arange(frames)
    if motion == "circling":
        around = draw.uniform(0.15, 0.3) * size
        centre = draw.uniform(around + radius, size - around - radius, size=2)
        angle = 2 * np.pi * (time / draw.uniform(12, 20) + draw.uniform())
        return centre + around * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    speed = 0.0 if motion == "resting" else draw.uniform(0.6, 1.4)
    direction = np.array(STROKES.get(motion, (0.0, 0.0)))
    return _wrapped(begin + speed * time[:, None] * direction, low, high)


def strokes_path(
    names: tuple[str, ...], frames: int, size: int, radius: float
) -> tuple[Path2D, tuple[int, ...]]:
    """A gesture around the middle: one stroke after the other, and the frame each begins in.

    Every stroke starts in the middle, so that a frame alone shows neither order nor direction.
    """
    each = frames // len(names)
    length = size / 2 - radius
    course = np.sin(np.pi * (np.arange(each) + 0.5) / each)  # out and back
    pieces = [course[:, None] * length * np.array(STROKES[name]) for name in names]
    rest = np.zeros((frames - each * len(names), 2))
    middle = np.full(2, size / 2)
    return middle + np.concatenate([*pieces, rest]), tuple(each * i for i in range(len(names)))


def _wrapped(straight: Path2D, low: float, high: float) -> Path2D:
    """A straight path that starts again at the other side, so that its direction stays."""
    return low + np.mod(straight - low, high - low)
