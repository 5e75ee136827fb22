"""Rows of documents at another rate than their input: windows, times and columns of each row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, final

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from sparsetime.activations.capture.document import Document
from sparsetime.activations.capture.tokenize import PreparedDocument, RowTimes
from sparsetime.activations.store.input_columns import (
    ROW_DURATION,
    ROW_PLACE,
    ROW_START,
    ROW_X,
    ROW_Y,
)
from sparsetime.errors import ConfigError, DataError
from sparsetime.models.row_clock import RowClock, leading_names

_PATCH = "patch"  # name of the one row at a time, where others lead them
_SLACK = 1e-6  # input steps


@final
@dataclass(frozen=True)
class WindowRows:
    """A window of a document and the rows stored of it.

    The model reads the inputs `start` to `stop` (exclusive). positions: of the stored rows among
    those that the model gives. begins, lasts: in input steps from the beginning of the document.
    places: which of the rows at one time each is; -1 - i for row i before all others.
    """

    start: int
    stop: int
    positions: Int[np.ndarray, " rows"]
    begins: Float[np.ndarray, " rows"]
    lasts: Float[np.ndarray, " rows"]
    places: Int[np.ndarray, " rows"]


class WindowSettings(NamedTuple):
    """How documents are cut: `window` and `overlap` in inputs, None for whole documents.

    before, special: special tokens before and around the inputs of a window.
    """

    window: int | None
    overlap: int
    before: int
    special: int


def documents_with_rows(
    documents: Iterable[PreparedDocument],
    clock: RowClock,
    cut: WindowSettings,
    own_times: bool,
    empty: list[str],
) -> Iterator[PreparedDocument]:
    """The documents with the rows of a clock; ids of those too short for any go to `empty`.

    Errors: DataError where none has a row.
    """
    any_rows = False
    for prepared in documents:
        if clock.follows == "decoder":
            yield with_decoder_rows(prepared, clock, cut)
            continue
        windows = list(window_rows(len(prepared.inputs), clock, cut))
        if windows:
            any_rows = True
            yield with_rows(prepared, windows, clock, own_times)
        else:
            empty.append(prepared.document.id)
    if not any_rows and clock.follows != "decoder":
        raise DataError(
            f"the data is empty: none of its {len(empty)} documents has a row, for which "
            f"{clock.first:g} input steps are needed; give longer ones"
        )


def window_rows(length: int, clock: RowClock, cut: WindowSettings) -> Iterator[WindowRows]:
    """The windows of a document of `length` input steps, with their rows.

    A window repeats `overlap` inputs, at least, and stores the rows that begin where those of the
    window before end.

    Errors: ConfigError for a window in which no new row has room.
    """
    window, overlap, before, special = cut
    room = length if clock.fixed is None else clock.fixed
    room = room if window is None else min(window, room)
    room -= special if window is not None or clock.fixed is not None else 0
    start, end_of_rows = 0, -np.inf
    while True:
        stop = min(start + room, length)
        read = clock.model_length(stop - start + special)
        if clock.follows == "sequence":
            begins, lasts = np.array([float(start)]), np.array([float(stop - start)])
            kept = np.array([True])
        else:
            begins = start - before + clock.starts(read)
            lasts = np.full(len(begins), clock.step)
            centres = begins + clock.step / 2
            kept = begins >= end_of_rows - _SLACK
            if read > stop - start:  # rows of padding and of special tokens
                kept &= (centres < stop) & (centres >= start)
        if kept.any():
            end_of_rows = float((begins + lasts)[kept][-1])
            yield _with_places(clock, start, stop, kept, begins, lasts)
        if stop >= length:
            return
        following = (stop - overlap) // clock.alignment * clock.alignment
        if following <= start:
            raise ConfigError(
                f"a window of {room} input steps with overlap={overlap} leaves no room for a row "
                f"of {clock.step:g} input steps; take a longer window or a smaller overlap"
            )
        start = following


def _with_places(
    clock: RowClock,
    start: int,
    stop: int,
    kept: np.ndarray[Any, np.dtype[np.bool_]],
    begins: Float[np.ndarray, " times"],
    lasts: Float[np.ndarray, " times"],
) -> WindowRows:
    a_time, leading = clock.rows_a_time, clock.leading
    numbers = np.flatnonzero(kept)
    positions = leading + (numbers[:, None] * a_time + np.arange(a_time)).reshape(-1)
    first = np.arange(leading)
    return WindowRows(
        start,
        stop,
        np.concatenate([first, positions]).astype(np.int64),
        np.concatenate([np.full(leading, float(start)), np.repeat(begins[kept], a_time)]),
        np.concatenate([np.full(leading, float(stop - start)), np.repeat(lasts[kept], a_time)]),
        np.concatenate([-1 - first, np.tile(np.arange(a_time), len(numbers))]).astype(np.int64),
    )


def with_rows(
    prepared: PreparedDocument, windows: list[WindowRows], clock: RowClock, own_times: bool
) -> PreparedDocument:
    """The document with a row for each row of its windows, in place of one for each input step.

    Columns of steps (tokens, characters, labels) are those of the step at the centre of the row;
    null for rows that no part of the input gives.
    """
    begins = np.concatenate([w.begins for w in windows])
    lasts = np.concatenate([w.lasts for w in windows])
    places = np.concatenate([w.places for w in windows])
    document = prepared.document
    columns = _step_columns(prepared, begins, lasts, places >= 0)
    start = document.time_of(begins)
    duration = document.step * lasts
    if document.times is not None:
        duration = document.time_of(begins + lasts) - start
    if own_times:
        columns |= {ROW_START: pa.array(start), ROW_DURATION: pa.array(duration)}
    names = leading_names(clock.leading) + _place_names(clock, document)
    if clock.leading or clock.rows_a_time > 1:
        y, x = clock.place_positions()
        code = np.where(places < 0, -1 - places, clock.leading + places)
        shown = pa.DictionaryArray.from_arrays(pa.array(code.astype(np.int32)), pa.array(names))
        columns[ROW_PLACE] = shown
        columns[ROW_Y] = pa.array(np.where(places < 0, -1, y[places]).astype(np.int32))
        columns[ROW_X] = pa.array(np.where(places < 0, -1, x[places]).astype(np.int32))
    rows = len(begins)
    # The mean distance of rows, so that numbers of steps times `step` are durations.
    step = float((start + duration).max() - start.min()) / rows
    if not own_times:
        step = document.step * clock.step
    table = pa.table({"position": pa.array(np.arange(rows, dtype=np.int32)), **columns})
    return replace(
        prepared,
        kept=np.arange(rows),
        columns=table,
        times=RowTimes(float(start[0]), step),
        window_rows=tuple(windows),
    )


def with_decoder_rows(
    prepared: PreparedDocument, clock: RowClock, cut: WindowSettings
) -> PreparedDocument:
    """The document with a row for each token that the decoder reads, counted in tokens.

    Errors: DataError for a document without decoder tokens, or one that the model cannot read at
    once.
    """
    document, length = prepared.document, len(prepared.inputs)
    if document.decoder_tokens is None or not len(document.decoder_tokens):
        raise DataError(
            f"the document {document.id!r} has no decoder_tokens, and the site lies in the "
            "decoder, which reads tokens of its own; give Document(..., decoder_tokens=...)"
        )
    most = clock.fixed if cut.window is None else cut.window - cut.special
    if most is not None and length > most:
        raise DataError(
            f"the document {document.id!r} has {length} input steps, more than the {most} that the "
            "model reads at once, and its decoder_tokens belong to all of them; give shorter ones"
        )
    tokens = document.decoder_tokens.cpu().numpy()
    rows = np.arange(len(tokens))
    window = WindowRows(0, length, rows, rows.astype(float), np.ones(len(rows)), rows * 0)
    columns = {
        "position": pa.array(rows.astype(np.int32)),
        "token": pa.array(tokens.astype(np.int32)),
    }
    return replace(
        prepared,
        kept=rows,
        columns=pa.table(columns),
        times=RowTimes(0.0, 1.0, "token"),
        window_rows=(window,),
    )


def _step_columns(
    prepared: PreparedDocument,
    begins: Float[np.ndarray, " rows"],
    lasts: Float[np.ndarray, " rows"],
    has_input: np.ndarray[Any, np.dtype[np.bool_]],
) -> dict[str, pa.ChunkedArray]:
    """The columns of the input steps at the centres of rows, and characters from end to end."""

    def at(step: Float[np.ndarray, " rows"]) -> pa.Array:
        places = np.searchsorted(prepared.kept, np.floor(step + _SLACK))
        places = np.clip(places, 0, max(0, len(prepared.kept) - 1))
        return pa.array(places, mask=~has_input)

    centre, last = at(begins + lasts / 2 - 0.5), at(begins + lasts - 1)
    first = at(begins)
    chosen = {"char_start": first, "char_end": last}
    return {
        name: prepared.columns[name].take(chosen.get(name, centre))
        for name in prepared.columns.column_names
        if name != "position"
    }


def _place_names(clock: RowClock, document: Document) -> list[str]:
    """Names of the rows at one time: of the channels, where they are the places."""
    channels = () if document.recording is None else document.recording.channels
    if clock.place == "channel" and clock.grid == (len(channels),):
        return list(channels)
    return clock.place_names() or [_PATCH]


def has_own_times(clock: RowClock, window: int | None, overlap: int, document: Document) -> bool:
    """Whether rows need times of their own, since they are not evenly spaced."""
    if clock.follows == "decoder":
        return False
    several = clock.rows_a_time > 1 or clock.leading > 0 or clock.follows == "sequence"
    return several or clock.has_gaps(window, overlap) or document.times is not None
