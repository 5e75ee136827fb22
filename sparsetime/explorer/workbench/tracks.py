"""Label and event tracks of a sequence, for the lane over the timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.step_units import row_clock
from sparsetime.explorer.workbench.documents import segment
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.features.contexts import find_sequence

if TYPE_CHECKING:
    from sparsetime.activations.store.stored_sequence import StoredSequence

MOST_SPANS = 2000  # of a track
_MOST_LABELS = 64  # different ones; a column with more names nothing
_OWN = frozenset(
    {
        "sequence", "position", "token", "char_start", "char_end",
        "row_start", "row_duration", "row_place", "row_y", "row_x",
    }
)  # fmt: skip


class TrackSpan(FrozenRecord):
    """Steps with one label, or an event; `first` and `stop` may be fractions of steps."""

    first: float
    stop: float
    text: Text


class Track(FrozenRecord):
    """One row of spans: the values of a label of steps, or the events of one type."""

    name: Text
    kind: Text  # "label" or "event"
    spans: tuple[TrackSpan, ...]
    hidden: int = 0  # spans beyond MOST_SPANS


class Tracks(FrozenRecord):
    """The tracks of the steps `first` to `stop`."""

    first: int
    stop: int
    tracks: tuple[Track, ...] = ()


def tracks(
    opened: RunCache, key: str, sequence: int, first: int = 0, stop: int | None = None
) -> Tracks:
    """Labels of steps and events over the steps `first` to `stop` (exclusive).

    A label of steps with at most 64 different values has a track; each type of event has one.

    Errors: DataError for a sequence that was not indexed, and for steps that it does not have.
    """
    first, stop, _ = segment(opened, key, sequence, first, stop)
    store = opened.dictionary(key).store
    stored = find_sequence(store, sequence)
    found = [*_labels(stored, first, stop), *_events(store.events, stored, first, stop)]
    return Tracks(first=first, stop=stop, tracks=tuple(found))


def _labels(stored: StoredSequence, first: int, stop: int) -> list[Track]:
    found = []
    for name in stored.steps.column_names:
        column = stored.steps[name]
        if name in _OWN or not _names_steps(column.type):
            continue
        texts = ["" if value is None else str(value) for value in column.to_pylist()]
        if len(set(texts)) > _MOST_LABELS:
            continue
        values = np.array(texts[first:stop])
        begins = np.append(0, np.flatnonzero(values[1:] != values[:-1]) + 1)
        ends = np.append(begins[1:], len(values))
        spans = [
            TrackSpan(first=first + a, stop=first + b, text=str(values[a]))
            for a, b in zip(begins.tolist(), ends.tolist(), strict=True)
            if values[a]
        ]
        found.append(_track(name, "label", spans))
    return found


def _names_steps(of: pa.DataType) -> bool:
    """Whether values of this type name steps: texts, truth values and whole numbers."""
    of = of.value_type if pa.types.is_dictionary(of) else of
    tests = (
        pa.types.is_string, pa.types.is_large_string, pa.types.is_boolean, pa.types.is_integer,
    )  # fmt: skip
    return any(test(of) for test in tests)


def _events(events: pa.Table, stored: StoredSequence, first: int, stop: int) -> list[Track]:
    own = events.filter(pc.equal(events["sequence"], stored.index))
    start, step = row_clock(stored)
    by_type: dict[str, list[TrackSpan]] = {}
    columns = (own[name].to_pylist() for name in ("onset", "duration", "trial_type"))
    for onset, duration, name in zip(*columns, strict=True):
        begin = (onset - start) / step
        end = begin + (duration or 0.0) / step
        if end >= first and begin < stop:
            span = TrackSpan(first=begin, stop=end, text=name or "event")
            by_type.setdefault(span.text, []).append(span)
    return [_track(name, "event", spans) for name, spans in sorted(by_type.items())]


def _track(name: str, kind: str, spans: list[TrackSpan]) -> Track:
    shown = tuple(spans[:MOST_SPANS])
    return Track(name=name, kind=kind, spans=shown, hidden=len(spans) - len(shown))
