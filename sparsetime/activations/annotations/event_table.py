"""Event tables: `onset`, `duration` and `trial_type`, as BIDS has them, and an `id`."""

from __future__ import annotations

import math
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import pyarrow as pa

from sparsetime.activations.annotations.label_table import ID, unknown_recording
from sparsetime.activations.annotations.table_file import AnnotationTable, TableLike, read_table
from sparsetime.errors import DataError

ONSET, DURATION, TRIAL_TYPE = "onset", "duration", "trial_type"
SEQUENCE = "sequence"
OWN = (SEQUENCE, "first_step", "stop_step")  # columns that a store adds
_SUFFIXES = ("_events", "-events", ".events")  # of a file that is named as its recording
_TOLERANCE = 1e-6  # of a step


@final
@dataclass(frozen=True)
class RecordingTime:
    """When a recording begins, how long a step is, and how many steps it has."""

    start: float
    step: float
    length: int

    @property
    def stop(self) -> float:
        return self.start + self.step * self.length


@final
class EventTable:
    """Events of one table, checked row by row, each of a recording.

    onset: when the event begins, on the recording's own clock, which begins at its `start` (0 for
    files). duration: how long it lasts; 0 and "n/a" are instants. trial_type: its kind; without the
    column, the name of the file. Other columns are kept. A table for several recordings has an
    `id`; one without is of the recording that its file is named after (`x_events.tsv` for `x` or
    `x_eeg`), or of the only one.

    Errors: DataError with the table and the row: for an onset or duration that is missing, not
    finite or negative, for one that ends after its recording or begins before it, for a row that
    begins before the row above it, and for a recording that does not exist.
    """

    def __init__(self, source: TableLike, what: str = "the events") -> None:
        self._table = read_table(source, what)
        self._table.require(ONSET)
        clash = [name for name in OWN if name in self._table.columns]
        if clash:
            raise DataError(
                f"got {self._table.name} with a column {clash[0]!r}, which a store adds itself; "
                "rename it"
            )

    def rows_of(
        self, recordings: Mapping[str, RecordingTime], elsewhere: Collection[str] = ()
    ) -> list[dict[str, Any]]:
        """The events, each with its `id`, checked against their recordings.

        elsewhere: recordings whose rows are passed over, such as those of other parts of a capture.
        """
        rows = []
        last: dict[str, tuple[int, float]] = {}
        instants: list[int] = []
        single = self._recording_of_file(recordings) if ID not in self._table.columns else None
        for number, row in enumerate(self._table.table.to_pylist()):
            name = row.get(ID) if single is None else single
            if name is None:
                raise DataError(f"{self._table.where(number)} has no id; name its recording")
            if name in elsewhere:
                continue
            if name not in recordings:
                raise unknown_recording(self._table, number, name, recordings.keys())
            onset = self._number(row, ONSET, number)
            duration = 0.0 if row.get(DURATION) is None else self._number(row, DURATION, number)
            self._check_time(onset, duration, recordings[name], name, number)
            before = last.get(name)
            if before is not None and onset < before[1]:
                raise DataError(
                    f"{self._table.where(number)} begins at {onset:g}, before row {before[0] + 1} "
                    f"of the same recording at {before[1]:g}: times go back; sort the table by "
                    "onset"
                )
            last[name] = (number, onset)
            if duration == 0:
                instants.append(number)
            kind = row.get(TRIAL_TYPE) or self._kind()
            rows.append(row | {ID: name, ONSET: onset, DURATION: duration, TRIAL_TYPE: kind})
        if DURATION in self._table.columns and instants and self._table.path is not None:
            warnings.warn(
                f"{self._table.where(instants[0])} has no duration, as {len(instants)} of "
                f"{len(rows)} rows; each is an instant, which covers the step that holds it",
                stacklevel=3,
            )
        return rows

    def _check_time(
        self, onset: float, duration: float, time: RecordingTime, name: str, row: int
    ) -> None:
        if duration < 0:
            raise DataError(f"{self._table.where(row)} lasts {duration:g}; a duration is 0 or more")
        slack = time.step * _TOLERANCE
        ends = onset + duration
        inside = time.start - slack <= onset < time.stop and ends <= time.stop + slack
        if not inside:
            raise DataError(
                f"{self._table.where(row)} is outside its recording: it lasts from {onset:g} to "
                f"{ends:g}, and {name!r} from {time.start:g} to {time.stop:g}; correct the row, or "
                "give onsets on the clock of the recording"
            )

    def _number(self, row: Mapping[str, Any], column: str, number: int) -> float:
        value = row[column]
        if isinstance(value, bool) or not isinstance(value, int | float):
            shown = "nothing" if value is None else repr(value)
            raise DataError(f"{self._table.where(number)} has {shown} as {column}; give a number")
        if not math.isfinite(value):
            raise DataError(f"{self._table.where(number)} has {value} as {column}; give a number")
        return float(value)

    def _kind(self) -> str:
        return "event" if self._table.path is None else self._table.path.stem

    def _recording_of_file(self, recordings: Mapping[str, RecordingTime]) -> str:
        if len(recordings) == 1:
            return next(iter(recordings))
        path = self._table.path
        base = "" if path is None else _without_suffix(path.stem)
        # BIDS: sub-01_task-rest_events.tsv belongs to sub-01_task-rest_eeg.edf.
        same = [name for name in recordings if base in (name, name.rpartition("_")[0])]
        if path is None or len(same) != 1:
            found = "no recording" if not same else f"{len(same)} recordings"
            raise DataError(
                f"got {self._table.name} without a column id for {len(recordings)} recordings, "
                f"{found} of which is named as it; add the column, with the name of the recording "
                "of each row"
            )
        return same[0]


def read_events(sources: Any, what: str = "the events") -> list[EventTable]:
    """One table of events, or several: a path or a table, or a list of them."""
    many = isinstance(sources, Sequence) and not isinstance(sources, str)
    if many and all(isinstance(one, str | Path | pa.Table | AnnotationTable) for one in sources):
        return [EventTable(one, what) for one in sources]
    return [EventTable(sources, what)]


def _without_suffix(stem: str) -> str:
    for suffix in _SUFFIXES:
        stem = stem.removesuffix(suffix)
    return stem
