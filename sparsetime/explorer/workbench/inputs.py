"""What a model read where that was no text: series, letters and frames on the axis of the rows."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from sparsetime.activations.readers.fasta import RESIDUE
from sparsetime.explorer.workbench.documents import segment
from sparsetime.explorer.workbench.input_pyramid import InputPyramid, columns_between
from sparsetime.explorer.workbench.input_records import InputView, VideoFrame
from sparsetime.explorer.workbench.input_source import InputSource
from sparsetime.explorer.workbench.pictures import (
    as_pictures,
    frame_size,
    is_frames,
    picture_address,
    range_of_numbers,
)

if TYPE_CHECKING:
    from sparsetime.activations.store.stored_sequence import StoredSequence
    from sparsetime.explorer.workbench.run_cache import RunCache

MOST_FRAMES = 48
COLUMNS = 1200
MOST_LETTERS = 100_000  # of an answer; a letter is a byte
MISSING = 65535  # in packed columns


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
    packed: bool = False,
) -> InputView:
    """What the model read over the steps `first` to `stop` (exclusive).

    columns: the most columns of a series; one of several input steps holds their least and greatest
    value. frames: the most frames, evenly spread; `of_frames` counts all. channels: the first ones
    of a series; `hidden` counts the rest. None for all. packed: columns as `packed_low` and
    `packed_high`, which are small and read at once.

    Errors: DataError for a sequence that was not indexed, and for steps that it does not have;
    StoreError and DamagedError where what was kept cannot be read.
    """
    first, stop, _ = segment(opened, key, sequence, first, stop)
    store = opened.dictionary(key).store
    place = int(np.searchsorted(store.sequence_indices, sequence))
    if store.sequences["text"][place].is_valid:
        return InputView(kind="text", first=first, stop=stop)
    source = opened.input(key, sequence)
    if source is None and RESIDUE in store.reader.step_columns():
        return _residues_view(store.sequence(place), first, stop)
    return source_view(
        source, lambda: opened.pyramid(key, sequence), first, stop,
        columns=columns, frames=frames, channels=channels, packed=packed,
    )  # fmt: skip


def source_view(
    source: InputSource | None,
    pyramid: Callable[[], InputPyramid],
    first: int,
    stop: int,
    *,
    columns: int = COLUMNS,
    frames: int = MOST_FRAMES,
    channels: int | None = None,
    packed: bool = False,
) -> InputView:
    """The same of an input and the blocks of it, which are asked for where it is a series."""
    if source is None:
        return InputView(kind="none", first=first, stop=stop)
    if is_frames(source.shape):
        return _frames_view(source, first, stop, frames)
    if not source.is_series:
        return InputView(kind="none", first=first, stop=stop)
    letters = _letters_view(source, first, stop)
    return letters or _series_view(source, pyramid(), first, stop, columns, channels, packed)


def _frames_view(source: InputSource, first: int, stop: int, frames: int) -> InputView:
    begin, end = source.steps_of(first, stop)
    count = end - begin
    chosen = np.unique(np.linspace(begin, max(begin, end - 1), min(frames, count)).round())
    darkest, lightest = range_of_numbers(source)
    return InputView(
        kind="frames",
        first=first,
        stop=stop,
        begin=source.row_of(begin),
        stride=1 / source.per_row,
        rate=source.rate,
        per_row=source.per_row,
        of_frames=count,
        frame_size=frame_size(source.shape),
        frames=tuple(
            VideoFrame(
                step=source.row_of(at),
                picture=picture_address(as_pictures(source.read(at, at + 1), darkest, lightest)[0]),
            )
            for at in chosen.astype(int).tolist()
        ),
    )


def _letters_view(source: InputSource, first: int, stop: int) -> InputView | None:
    """Letters of a series whose channels are single letters, one of which is on at every step.

    None for other series. Of a segment of more than MOST_LETTERS, the first ones.
    """
    if len(source.channels) < 2 or any(len(name) != 1 for name in source.channels):
        return None
    begin, end = source.steps_of(first, stop)
    end = min(end, begin + MOST_LETTERS)
    values = source.read(begin, end)
    if not ((values == 0) | (values == 1)).all() or not (values.sum(1) <= 1).all():
        return None
    names = np.array(["\u00b7", *source.channels])
    letters = "".join(names[np.where(values.any(1), values.argmax(1) + 1, 0)])
    return InputView(
        kind="letters",
        first=first,
        stop=stop,
        begin=source.row_of(begin),
        stride=1 / source.per_row,
        columns=len(letters),
        letters=letters,
    )


def _residues_view(stored: StoredSequence, first: int, stop: int) -> InputView:
    """The letters of a sequence that was read as tokens, by its step label."""
    end = min(stop, first + MOST_LETTERS)
    shown = stored.steps[RESIDUE].slice(first, end - first).to_pylist()
    letters = "".join(letter or "\u00b7" for letter in shown)
    return InputView(
        kind="letters", first=first, stop=stop, begin=first, stride=1, columns=len(letters),
        letters=letters,
    )  # fmt: skip


def _series_view(
    source: InputSource,
    pyramid: InputPyramid,
    first: int,
    stop: int,
    columns: int,
    channels: int | None,
    packed: bool,
) -> InputView:
    begin, stride, low, high = columns_between(
        source, pyramid, *source.steps_of(first, stop), columns
    )
    count = low.shape[1]
    names = source.channels or tuple(f"channel {i}" for i in range(count))
    low, high = low[:, :channels].T, high[:, :channels].T
    least, most = pyramid.least[:channels], pyramid.most[:channels]
    values: dict[str, Any]
    if packed:
        one = stride == 1
        values = {
            "packed_low": _packed(low, least, most),
            "packed_high": "" if one else _packed(high, least, most),
        }
    else:  # a list of every value takes longer than all else of an answer
        values = {"low": _finite(low), "high": _finite(high)}
    return InputView(
        kind="series",
        first=first,
        stop=stop,
        begin=source.row_of(begin),
        stride=stride / source.per_row,
        channels=names[:channels],
        units=source.units[:channels],
        hidden=count - len(low),
        columns=low.shape[1],
        least=tuple(least.tolist()),
        most=tuple(most.tolist()),
        usual=tuple(map(tuple, pyramid.usual[:, :channels].T.tolist())),
        rate=source.rate,
        origin=source.begin,
        per_row=source.per_row,
        sound=source.is_sound,
        **values,
    )


def _packed(
    values: Float[np.ndarray, "channels columns"],
    least: Float[np.ndarray, " channels"],
    most: Float[np.ndarray, " channels"],
) -> str:
    """Values as base64 of uint16, from 0 at `least` to MISSING - 1 at `most`."""
    span = np.where(most > least, most - least, 1.0)[:, None]
    share = np.clip((values - least[:, None]) / span, 0, 1)
    levels = np.where(np.isfinite(share), np.rint(share * (MISSING - 1)), MISSING)
    return base64.b64encode(levels.astype("<u2").tobytes()).decode()


def _finite(values: np.ndarray) -> tuple[tuple[float | None, ...], ...]:
    return tuple(
        tuple(float(f"{v:.6g}") if np.isfinite(v) else None for v in channel.tolist())
        for channel in values
    )
