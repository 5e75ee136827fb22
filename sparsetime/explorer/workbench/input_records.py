"""What a model read where that was no text, as a renderer draws it."""

from __future__ import annotations

from sparsetime.explorer.records import FrozenRecord, Text


class VideoFrame(FrozenRecord):
    """A frame of a segment: its step, and its picture as the address of a PNG."""

    step: int
    picture: Text


class InputView(FrozenRecord):
    """What the model read over the steps `first` to `stop`, as a renderer draws it.

    kind: "text" (its words are asked for apart), "series", "frames", or "none". Of a series,
    `low` and `high` are the least and greatest value of each channel in every `stride` steps, and
    `least` and `most` those of the whole sequence.
    """

    kind: Text
    first: int
    stop: int
    stride: int = 1
    channels: tuple[Text, ...] = ()
    hidden: int = 0  # channels that were not asked for
    low: tuple[tuple[float | None, ...], ...] = ()
    high: tuple[tuple[float | None, ...], ...] = ()
    least: tuple[float, ...] = ()
    most: tuple[float, ...] = ()
    frames: tuple[VideoFrame, ...] = ()
    of_frames: int = 0  # frames of the segment, of which `frames` are some
