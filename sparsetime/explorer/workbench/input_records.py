"""What a model read where that was no text, as a lane draws it."""

from __future__ import annotations

from sparsetime.explorer.records import FrozenRecord, Text


class VideoFrame(FrozenRecord):
    """A frame of a segment: where it begins, in steps, and its picture as the address of a PNG."""

    step: float
    picture: Text


class InputView(FrozenRecord):
    """What the model read over the steps `first` to `stop`, as a lane draws it.

    kind: "text" (its words are asked for apart), "series", "letters" (one an input step), "frames",
    or "none". Column c of a series or letter c lasts from step `begin` + c * `stride` on for
    `stride` steps, which is below one where the input is faster than the steps. Of a series, `low`
    and `high` are the least and greatest value of each channel in a column, and `least` and `most`
    those of the whole sequence; `usual` is the range of most of them.

    packed_low, packed_high: in place of `low` and `high`, base64 of little-endian uint16
    [channels, columns]: 0 to 65534 for `least` to `most`, 65535 where there is no value.
    """

    kind: Text
    first: int
    stop: int
    begin: float = 0.0
    stride: float = 1
    channels: tuple[Text, ...] = ()
    units: tuple[Text, ...] = ()  # of the channels; empty where they are not known
    hidden: int = 0  # channels that were not asked for
    columns: int = 0
    low: tuple[tuple[float | None, ...], ...] = ()
    high: tuple[tuple[float | None, ...], ...] = ()
    packed_low: Text = ""
    packed_high: Text = ""  # empty where each column is one input step: low and high are the same
    least: tuple[float, ...] = ()
    most: tuple[float, ...] = ()
    usual: tuple[tuple[float, float], ...] = ()
    rate: float | None = None  # input steps a second
    origin: float = 0.0  # where the first input step of the sequence begins, in steps
    per_row: float = 1.0  # input steps in a step
    sound: bool = False  # whether it can be heard, at the address `sound.wav` of the sequence
    letters: Text = ""
    frames: tuple[VideoFrame, ...] = ()
    of_frames: int = 0  # frames of the segment, of which `frames` are some
    frame_size: tuple[int, int] | None = None  # height and width of the frames that the model read
