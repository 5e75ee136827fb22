"""Pictures as PNG files in data addresses, small enough for thumbnails."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Shaped, UInt8

if TYPE_CHECKING:
    from sparsetime.explorer.workbench.input_source import InputSource

SIDE = 72  # pixels of a thumbnail's longer side
_SCALED_BY = 16  # frames from which the range of numbers in pictures is taken


def picture_address(pixels: UInt8[np.ndarray, "height width *colours"], side: int = SIDE) -> str:
    """The address of a picture at a lower resolution, at most `side` pixels wide and high."""
    stride = -(-max(pixels.shape[:2]) // side)
    return f"data:image/png;base64,{base64.b64encode(png(pixels[::stride, ::stride])).decode()}"


def png(pixels: np.ndarray) -> bytes:
    """A picture of uint8 [height, width] or [height, width, 3] as a PNG file (ISO 15948)."""
    tall, wide = pixels.shape[:2]
    colour = 2 if pixels.ndim == 3 else 0
    lines = b"".join(b"\0" + row.tobytes() for row in np.ascontiguousarray(pixels))

    def chunk(name: bytes, data: bytes) -> bytes:
        check = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", wide, tall, 8, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(lines, 6))
        + chunk(b"IEND", b"")
    )


def is_frames(shape: tuple[int, ...]) -> bool:
    """Whether an array [time, ...] holds a picture a step: [height, width] with or without colours.

    Colours come last, as 1 or 3, or first, as torch has them.
    """
    return len(shape) == 3 or (len(shape) == 4 and (shape[3] in (1, 3) or shape[1] in (1, 3)))


def frame_size(shape: tuple[int, ...]) -> tuple[int, int]:
    """Height and width of the pictures of an array for which `is_frames` holds."""
    if len(shape) == 4 and shape[3] not in (1, 3):
        return shape[2], shape[3]
    return shape[1], shape[2]


def as_pictures(
    frames: Shaped[np.ndarray, "time ..."], darkest: float, lightest: float
) -> UInt8[np.ndarray, "time height width *colours"]:
    """Frames as uint8, colours last: bytes as they are, numbers from `darkest` to `lightest`."""
    if frames.ndim == 4 and frames.shape[3] not in (1, 3):
        frames = np.moveaxis(frames, 1, 3)
    if frames.ndim == 4 and frames.shape[3] == 1:
        frames = frames[..., 0]
    if frames.dtype == np.uint8:
        return frames
    return grey(frames, darkest, lightest)


def grey(
    values: Shaped[np.ndarray, "*shape"], darkest: float, lightest: float
) -> UInt8[np.ndarray, "*shape"]:
    """Numbers as levels of grey: 0 at `darkest` and below, 255 at `lightest` and above."""
    share: Float[np.ndarray, "*shape"] = (values.astype(np.float64) - darkest) / (
        (lightest - darkest) or 1.0
    )
    levels: UInt8[np.ndarray, "*shape"] = np.rint(255 * np.clip(np.nan_to_num(share), 0, 1)).astype(
        np.uint8
    )
    return levels


def range_of_numbers(source: InputSource) -> tuple[float, float]:
    """Least and greatest value of some frames of the whole sequence; bytes need none."""
    if source.read(0, 1).dtype == np.uint8:
        return 0.0, 255.0
    looked_at = np.unique(np.linspace(0, source.shape[0] - 1, _SCALED_BY).astype(int)).tolist()
    sample = np.concatenate([source.read(at, at + 1) for at in looked_at])
    return float(np.nanmin(sample)), float(np.nanmax(sample))
