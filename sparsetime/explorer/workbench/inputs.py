"""What a model read where that was no text: series and frames, drawn on the score's time axis.

A store keeps activations and not what they came from. `save_inputs` puts that beside the run, in
one file that is read a segment at a time.
"""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sparsetime.errors import DamagedError, DataError
from sparsetime.explorer.workbench.documents import segment
from sparsetime.explorer.workbench.input_records import InputView, VideoFrame
from sparsetime.files import Folder

if TYPE_CHECKING:
    from sparsetime.explorer.workbench.run_cache import RunCache

INPUTS = "inputs.safetensors"
VERSION = 1  # schema of that file
MOST_FRAMES, SIDE = 48, 72  # SIDE: pixels of a thumbnail's longer side
COLUMNS = 1200
_SERIES, _FRAMES = 2, (3, 4)


def save_inputs(run: str | Path, inputs: Mapping[int, Any], channels: Sequence[str] = ()) -> None:
    """Keep what a model read beside its run, for the explorer to draw under the score.

    inputs: by the sequence's number in the store. A series is [time, channels] or [time], of any
    numbers; frames are uint8 [time, height, width] or [time, height, width, 3]. channels: names.

    Errors: DataError for arrays of another shape, or names that do not fit them.
    """
    kept = {}
    for number, values in inputs.items():
        array = np.asarray(values)
        array = array[:, None] if array.ndim == 1 else array
        frames = array.ndim in _FRAMES and array.dtype == np.uint8
        if frames and array.ndim == 4 and array.shape[3] != 3:
            frames = False
        if not frames and not (array.ndim == _SERIES and array.dtype.kind in "iuf"):
            raise DataError(
                f"the input of sequence {number} is {array.dtype} of shape {list(array.shape)}; a "
                f"series is numbers [time, channels], frames are uint8 [time, height, width] or "
                f"[time, height, width, 3]"
            )
        if channels and not frames and len(channels) != array.shape[1]:
            raise DataError(
                f"{len(channels)} channels are named, and the input of sequence {number} has "
                f"{array.shape[1]}"
            )
        kept[str(number)] = np.ascontiguousarray(array if frames else array.astype(np.float32))
    metadata = {"channels": json.dumps(list(channels))}
    Folder(str(run)).write_tensors(INPUTS, kept, VERSION, metadata)


def input_view(
    opened: RunCache,
    key: str,
    sequence: int,
    first: int = 0,
    stop: int | None = None,
    *,
    columns: int = COLUMNS,
    frames: int = MOST_FRAMES,
    channels: int | None = None,
) -> InputView:
    """What the model read over the steps `first` to `stop` (exclusive).

    columns: the most columns of a series; one of several steps holds their least and greatest
    value. frames: the most frames, evenly spread; `of_frames` counts all. channels: the first ones
    of a series; `hidden` counts the rest. None for all.

    Errors: DataError for a sequence that was not indexed, and for steps that it does not have;
    DamagedError where the file of inputs cannot be read.
    """
    first, stop, length = segment(opened, key, sequence, first, stop)
    store = opened.dictionary(key).store
    place = int(np.searchsorted(store.sequence_indices, sequence))
    if store.sequences["text"][place].is_valid:
        return InputView(kind="text", first=first, stop=stop)
    stored_input = _read(opened.folder, sequence, length, first, stop)
    if stored_input is None:
        return InputView(kind="none", first=first, stop=stop)
    values, names, least, most = stored_input
    if values.ndim in _FRAMES:
        steps = np.unique(np.linspace(0, len(values) - 1, min(frames, len(values))).round())
        return InputView(
            kind="frames",
            first=first,
            stop=stop,
            of_frames=len(values),
            frames=[
                VideoFrame(step=first + int(at), picture=_address(values[int(at)])) for at in steps
            ],
        )
    stride = -(-len(values) // columns)
    begins = np.arange(0, len(values), stride)
    shown = values[:, :channels]
    low, high = (reduce.reduceat(shown, begins).T for reduce in (np.fmin, np.fmax))
    return InputView(
        kind="series",
        first=first,
        stop=stop,
        stride=stride,
        channels=tuple(names[:channels]),
        hidden=values.shape[1] - shown.shape[1],
        low=_finite(low),
        high=_finite(high),
        least=tuple(least[:channels]),
        most=tuple(most[:channels]),
    )


def _read(
    folder: Folder, sequence: int, length: int, first: int, stop: int
) -> tuple[np.ndarray, list[str], list[float], list[float]] | None:
    """The segment, the channels' names and their range; None where nothing is kept of it."""
    from safetensors import SafetensorError, safe_open

    if not (folder.is_local and folder.exists(INPUTS)):
        return None
    try:
        path = folder.verified_path(INPUTS, VERSION, "Write it again with save_inputs")
        with safe_open(path, "numpy") as file:
            name = str(sequence)
            if name not in file.keys():  # noqa: SIM118  it is no mapping
                return None
            kept = file.get_slice(name)
            shape = kept.get_shape()
            if shape[0] != length:
                raise DamagedError(
                    f"{folder.url}/{INPUTS} has {shape[0]} steps of sequence {sequence}, and the "
                    f"store {length}; write it again with save_inputs"
                )
            values = np.asarray(kept[first:stop])
            named = json.loads((file.metadata() or {}).get("channels", "[]"))
            whole = np.asarray(kept[:]) if len(shape) == _SERIES else values[:0]
    except (SafetensorError, ValueError, OSError) as error:
        raise DamagedError(f"{folder.url}/{INPUTS} cannot be read: {error}") from error
    if values.ndim in _FRAMES:
        return values, [], [], []
    names = [str(channel) for channel in named] or [f"channel {i}" for i in range(shape[1])]
    sound = np.where(np.isfinite(whole), whole, np.nan)
    empty = np.isnan(sound).all(0)
    sound[:, empty] = 0.0
    return values, names, np.nanmin(sound, 0).tolist(), np.nanmax(sound, 0).tolist()


def _finite(values: np.ndarray) -> tuple[tuple[float | None, ...], ...]:
    return tuple(
        tuple(float(f"{v:.6g}") if np.isfinite(v) else None for v in channel.tolist())
        for channel in values
    )


def _address(pixels: np.ndarray) -> str:
    """A thumbnail as a data address: the frame at a lower resolution, as a PNG."""
    stride = -(-max(pixels.shape[:2]) // SIDE)
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
