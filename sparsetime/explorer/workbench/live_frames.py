"""Frames of a page (bytes, RGB) as the model of a run reads its frames."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Shaped, UInt8

from sparsetime.errors import DataError
from sparsetime.explorer.workbench.pictures import frame_size, is_frames, range_of_numbers

if TYPE_CHECKING:
    from sparsetime.explorer.workbench.input_source import InputSource
    from sparsetime.explorer.workbench.run_cache import RunCache

MOST_BYTES = 8_000_000  # of a piece, unpacked
_LUMA = (0.299, 0.587, 0.114)  # of ITU-R BT.601, as grey pictures are made of RGB
_BYTE = 255.0


def frames_of(
    opened: RunCache, key: str, data: str, height: int, width: int
) -> Shaped[np.ndarray, "frames ..."]:
    """Frames in base64, uint8 [frames, height, width, 3], as the recordings of the run have them.

    Their axes, colours and range are those of the first recording: grey where it is grey, colours
    first where they are, and numbers from 0 to 1 where its numbers lie there.

    Errors: DataError where the run keeps no frames, for another size, and where the numbers of its
    frames are no brightness that bytes can be converted to.
    """
    shown = opened.dictionary(key)
    source = opened.input(key, int(shown.store.sequence_indices[0]))
    if source is None or not is_frames(source.shape):
        raise DataError(
            "got frames, and the run keeps none of its recordings, so that it is unknown which "
            "frames its model reads; capture with keep_input=True (--keep-input)"
        )
    if (height, width) != (size := frame_size(source.shape)):
        raise DataError(
            f"got frames of {height} by {width} pixels, expected {size[0]} by {size[1]}, as the "
            "recordings of the run have; scale them"
        )
    return _as_recorded(_pixels(data, height, width), source)


def _pixels(data: str, height: int, width: int) -> UInt8[np.ndarray, "frames height width 3"]:
    try:
        raw = base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise DataError(f"got frames that are no base64: {error}") from None
    if not raw or len(raw) % (height * width * 3) or len(raw) > MOST_BYTES:
        raise DataError(
            f"got {len(raw):,} bytes of frames, expected a multiple of {height * width * 3:,}, one "
            f"for each frame, and at most {MOST_BYTES:,}; send fewer frames at once"
        )
    return np.frombuffer(raw, dtype=np.uint8).reshape(-1, height, width, 3)


def _as_recorded(
    pixels: UInt8[np.ndarray, "frames height width 3"], source: InputSource
) -> Shaped[np.ndarray, "frames ..."]:
    shape, dtype = source.shape, source.read(0, 1).dtype
    values: np.ndarray = pixels
    if len(shape) == 3 or 1 in (shape[1], shape[3]):
        values = np.rint(pixels @ np.array(_LUMA)).astype(np.uint8)[..., None]
    if len(shape) == 3:
        values = values[..., 0]
    elif shape[3] not in (1, 3):
        values = np.moveaxis(values, 3, 1)
    if dtype == np.uint8:
        return np.ascontiguousarray(values)
    least, most = range_of_numbers(source)
    if least < 0 or most > _BYTE:
        raise DataError(
            f"got frames of bytes, and the recordings of the run hold numbers from {least:.3g} to "
            f"{most:.3g}, which are no brightness from 0 to 1 or to 255; send numbers as values "
            "through the API, or let the model normalise its frames"
        )
    scale = _BYTE if most <= 1 else 1.0
    return np.ascontiguousarray(values, dtype=np.float32) / np.float32(scale)
