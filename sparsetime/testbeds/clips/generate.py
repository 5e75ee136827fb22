"""Generation of clips: scenes of one or more shapes, and gestures of two strokes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from sparsetime import seeds
from sparsetime.errors import ConfigError
from sparsetime.testbeds.clips.clip import Clip, MovingShape
from sparsetime.testbeds.clips.motions import MOTIONS, STROKES, path, strokes_path

COLOURS = {
    "red": (220, 50, 47),
    "green": (80, 170, 60),
    "blue": (40, 110, 220),
    "yellow": (230, 190, 40),
}
SHAPES = ("circle", "square", "triangle")
_STRAIGHT = ("left", "right", "up", "down")


def clips(
    count: int = 60, frames: int = 24, size: int = 32, objects: int = 1, seed: int = 0
) -> list[Clip]:
    """Clips of moving shapes on a dark, noisy background.

    With one object, shape, colour and motion are independent. With three or more, all move in one
    direction but for one, the odd mover. Clip i depends on the settings, the seed and i alone.

    Errors: ConfigError for no clips, fewer than 2 frames, 1 object or 16 pixels.
    """
    _check(count, frames, size, objects)
    return [_scene(number, frames, size, objects, seed) for number in range(count)]


def gesture_clips(count: int = 48, frames: int = 24, size: int = 32, seed: int = 0) -> list[Clip]:
    """Clips of one shape that makes two strokes, out and back, from the middle.

    The twelve gestures are the ordered pairs of different strokes. "left then up" and "up then
    left" show the same frames in another order, so only their order says which it was.

    Errors: ConfigError as for `clips`.
    """
    _check(count, frames, size, 1)
    pairs = [(a, b) for a in STROKES for b in STROKES if a != b]
    return [
        _gesture(number, pairs[number % len(pairs)], frames, size, seed) for number in range(count)
    ]


def _check(count: int, frames: int, size: int, objects: int) -> None:
    if count < 1 or frames < 2 or size < 16 or objects < 1:
        raise ConfigError(
            f"got count={count}, frames={frames}, size={size}, objects={objects}; expected at "
            "least 1 clip, 2 frames, 16 pixels and 1 object"
        )


def _scene(number: int, frames: int, size: int, count: int, seed: int) -> Clip:
    draw = seeds.numpy_generator(seed, "clips", number, count)
    odd = int(draw.integers(count)) if count >= 3 else None
    common = str(draw.choice(_STRAIGHT))
    against = {"left": "right", "right": "left", "up": "down", "down": "up"}[common]
    shapes = []
    for i in range(count):
        free = str(draw.choice(MOTIONS))
        motion = free if count < 3 else against if i == odd else common
        shapes.append(_shape(motion, size, draw))
    paths = np.stack([path(one.motion, frames, size, one.radius, draw) for one in shapes])
    verbs = {"circling": "circles", "resting": "rests"}
    parts = [
        f"a {one.colour} {one.shape} {verbs.get(one.motion, f'moves {one.motion}')}"
        for one in shapes
    ]
    caption = ", ".join(parts)
    return _clip(f"clip {number:03d}", shapes, paths, size, caption, draw, odd=odd)


def _gesture(number: int, names: tuple[str, str], frames: int, size: int, seed: int) -> Clip:
    draw = seeds.numpy_generator(seed, "clips", number, "gesture")
    one = _shape(" then ".join(names), size, draw)
    course, begins = strokes_path(names, frames, size, one.radius)
    caption = f"a {one.colour} {one.shape} goes {names[0]} and back, then {names[1]} and back"
    shapes, paths = [one], course[None]
    name = f"gesture {number:03d}"
    return _clip(name, shapes, paths, size, caption, draw, gesture=names, strokes=begins)


def _shape(motion: str, size: int, draw: np.random.Generator) -> MovingShape:
    shape, colour = str(draw.choice(SHAPES)), str(draw.choice(list(COLOURS)))
    return MovingShape(shape, colour, float(draw.uniform(0.1, 0.16)) * size, motion)


def _clip(
    name: str,
    shapes: list[MovingShape],
    paths: Float[np.ndarray, "objects frames 2"],
    size: int,
    caption: str,
    draw: np.random.Generator,
    odd: int | None = None,
    gesture: tuple[str, ...] = (),
    strokes: tuple[int, ...] = (),
) -> Clip:
    frames = paths.shape[1]
    pixels = draw.normal(25.0, 6.0, size=(frames, size, size, 3))
    masks = np.zeros((frames, size, size), dtype=np.uint8)
    moved = np.zeros((frames - 1, size, size, 2), dtype=np.float32)
    for number, (one, course) in enumerate(zip(shapes, paths, strict=True), 1):
        inside = _inside(one, course, size)
        pixels[inside] = np.array(COLOURS[one.colour]) + draw.normal(0, 4.0, size=(inside.sum(), 3))
        masks[inside] = number
    for number, course in enumerate(paths, 1):
        velocity = np.diff(course, axis=0).astype(np.float32)
        seen = masks[:-1] == number
        moved[seen] = np.broadcast_to(velocity[:, None, None], moved.shape)[seen]
    return Clip(
        name,
        np.clip(pixels, 0, 255).astype(np.uint8),
        tuple(shapes),
        paths.astype(np.float32),
        masks,
        moved,
        caption,
        odd,
        gesture,
        strokes,
    )


def _inside(
    one: MovingShape, course: Float[np.ndarray, "frames 2"], size: int
) -> Bool[np.ndarray, "frames height width"]:
    """Which pixels a shape covers in every frame."""
    centres = np.arange(size) + 0.5
    x = centres[None, None, :] - course[:, 0, None, None]
    y = centres[None, :, None] - course[:, 1, None, None]
    inside: dict[str, NDArray[np.bool_]] = {
        "circle": x**2 + y**2 <= one.radius**2,
        "square": np.maximum(np.abs(x), np.abs(y)) <= 0.9 * one.radius,
        # Upright, with its base below.
        "triangle": (y <= 0.8 * one.radius) & (y >= 2 * np.abs(x) - 1.1 * one.radius),
    }
    return inside[one.shape]
