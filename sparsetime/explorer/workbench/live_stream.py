"""Live encoding of samples as they arrive: from a microphone, or from a file that is played."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import final

import numpy as np
from jaxtyping import Float, Shaped
from pydantic import Field

from sparsetime.errors import DataError
from sparsetime.explorer.peak_percent import percent_of_peak
from sparsetime.explorer.records import FrozenRecord
from sparsetime.explorer.workbench.live import LONGEST_PAGE, Live, LiveChunk
from sparsetime.explorer.workbench.live_frames import frames_of
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.explorer.workbench.timeline import timeline_feature

MOST_STREAMS = 8
MOST_AT_ONCE = 65_536  # numbers of a piece
# Steps before a piece that the model reads again, where the capture says none: fewer of frames.
_CONTEXT, _CONTEXT_NUMBERS, _LEAST_CONTEXT = 1024, 1 << 18, 32


class LiveSamples(FrozenRecord):
    """The next steps of a stream: a row of numbers each, or a frame each.

    page: a name that a page makes up for its stream; another one begins a new stream. first: the
    number of steps that the page has sent before, from 0. frames: base64 of bytes [frames, height,
    width, 3], in place of values. ends: whether the stream has an end, as a file has. last: whether
    these are its last steps.
    """

    page: str = Field(min_length=1, max_length=LONGEST_PAGE)
    first: int = Field(ge=0)
    values: tuple[tuple[float, ...], ...] = ()
    frames: str = ""
    height: int = Field(0, ge=0)
    width: int = Field(0, ge=0)
    ends: bool = False
    last: bool = False


@final
class LiveStream:
    """One stream: rows come as soon as no later step can change them; see `FinalRows`.

    The steps that the model reads again before a piece are as many as windows of the capture
    overlap by, or 1,024 (of frames as many as have 262,144 numbers, at least 32); what a model
    remembers from before them is not in its activations. The dictionary's own state continues from
    piece to piece.
    """

    def __init__(self, opened: RunCache, live: Live, key: str, ends: bool, size: int) -> None:
        """size: numbers of a step."""
        self._opened, self._live, self._key = opened, live, key
        store = opened.dictionary(key).store
        with live.lock:
            passes, whole = (live.passes(store, windows=windows) for windows in (False, True))
        context = int(store.manifest.capture.get("overlap") or 0)
        context = context or max(_LEAST_CONTEXT, min(_CONTEXT, _CONTEXT_NUMBERS // size))
        # Imports torch, which a first look at a run does without.
        from sparsetime.explorer.workbench.final_rows import FinalRows

        self._rows = FinalRows(passes, whole, context, ends, store.unit, live.lock)
        self._state = opened.loaded(key).stream()
        self._met: set[int] = set()
        self.steps = 0
        self.rows = 0

    def feed(self, values: Shaped[np.ndarray, "steps ..."], last: bool = False) -> LiveChunk:
        """The code of the rows that are final with the next steps; of all rows with the last ones.

        Errors: DataError where the model does not take them, or gives no row before the end.
        """
        new = self._rows.feed(values, last)
        self.steps += len(values)
        per_row, behind = self._rows.per_row, self._rows.ahead or 0
        if new is None:
            return LiveChunk.empty(self.rows, per_row, behind)
        code = self._state.feed(new)
        offsets, feature = code.offsets.numpy(), code.indices.numpy()
        peak = self._opened.dictionary(self._key).table.peak
        activation = np.abs(code.values.detach().float().numpy())
        percent = percent_of_peak(activation, peak[feature])
        known = sorted(set(feature.tolist()) - self._met)
        self._met.update(known)
        first, self.rows = self.rows, self.rows + code.rows
        return LiveChunk(
            first=first,
            words=[""] * code.rows,
            gaps=[""] * code.rows,
            features=[part.tolist() for part in np.split(feature, offsets[1:-1])],
            strengths=[part.tolist() for part in np.split(percent, offsets[1:-1])],
            known=[timeline_feature(self._opened, self._key, number) for number in known],
            per_row=per_row,
            behind=behind,
        )


@final
class LiveStreams:
    """The newest streams, by dictionary and page; older ones are dropped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: OrderedDict[tuple[str, str], LiveStream] = OrderedDict()

    def feed(self, opened: RunCache, live: Live, key: str, given: LiveSamples) -> LiveChunk:
        """The code of the next steps of a stream; a piece whose `first` is 0 begins it again.

        Errors: DataError for rows of different lengths or too many numbers, and for a piece that
        does not follow the one before; those of `frames_of` and `Live.model`.
        """
        if given.frames:
            values = frames_of(opened, key, given.frames, given.height, given.width)
        else:
            values = _rows(given.values)
        place = (key, given.page)
        with self._lock:
            stream = self._streams.get(place)
        if given.first == 0:
            stream = LiveStream(opened, live, key, given.ends, values[0].size)
            with self._lock:
                self._streams[place] = stream
                while len(self._streams) > MOST_STREAMS:
                    self._streams.popitem(last=False)
        if stream is None or stream.steps != given.first:
            sent = 0 if stream is None else stream.steps
            raise DataError(
                f"got a piece that begins at step {given.first:,}, expected one at {sent:,}; begin "
                f"the stream again"
            )
        return stream.feed(values, given.last)


def _rows(given: tuple[tuple[float, ...], ...]) -> Float[np.ndarray, "steps channels"]:
    """Rows of numbers. Errors: DataError for rows that do not fit together, or too many numbers."""
    widths = {len(row) for row in given}
    if len(widths) != 1 or 0 in widths:
        raise DataError("a piece needs the same count of numbers in every row, at least one")
    if len(given) * max(widths) > MOST_AT_ONCE:
        raise DataError(f"a piece has more than {MOST_AT_ONCE:,} numbers; send smaller ones")
    with np.errstate(over="ignore"):  # numbers beyond float32 become infinite, and are refused
        values = np.array(given, dtype=np.float64).astype(np.float32)
    if not np.isfinite(values).all():
        raise DataError("the piece holds something that is no finite number")
    return values
