"""A feature around the onsets of events: its average, and its activations at single onsets."""

from __future__ import annotations

from typing import Any

import numpy as np

from sparsetime.explorer.peak_percent import percent_of_peak
from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.workbench.feature import check_feature
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.features.feature_events import FeatureEvents

PERI_EVENT = "peri_event"
_SHOWN = 6  # types of events
_ONSETS = 24  # of a type


class AlignedOnset(FrozenRecord):
    """One onset, and the feature's activation around it, in percent of its largest."""

    sequence: int
    step: int
    name: Text
    percent: list[int]  # at every lag; -1 outside of the recording


class EventAverage(FrozenRecord):
    """A feature around the onsets of one type of event.

    Lags and durations are in steps; those that end in `_time` are in the run's `time_unit`.
    """

    type: Text
    events: int
    baseline: float
    peak: float
    peak_lag: int
    latency: int
    duration: int
    peak_lag_time: float | None = None
    latency_time: float | None = None
    duration_time: float | None = None
    null_rate: float
    null_sd: float
    q: float | None
    curve: list[float | None]  # the rate at every lag
    onsets: list[AlignedOnset]


class PeriEventView(FrozenRecord):
    """Averages of a feature around events, the least p first; none without a table of them."""

    before: int  # steps
    after: int
    before_time: float | None = None  # the same in the run's `time_unit`
    after_time: float | None = None
    averages: list[EventAverage]  # of the first 6 types
    of_types: int = 0  # how many types have an average


def peri_event_view(opened: RunCache, key: str, number: int) -> PeriEventView:
    """A feature around events, as `sparsetime perievent` wrote it.

    Errors: UnknownNameError for a dictionary that the run does not show; ConfigError for a
    feature that does not exist; DamagedError for a table that is not what was written.
    """
    check_feature(opened, key, number)
    shown = opened.dictionary(key)
    table = shown.details.get(PERI_EVENT)
    if table is None:
        return PeriEventView(before=0, after=0, averages=[])
    about = table.about
    window = (about["before"], about["after"])
    types = {one["name"]: one for one in about["types"]}
    events = opened.feature_events(key, number)
    peak = float(shown.table.peak[number])
    names = dict(
        zip(shown.index.sequences["sequence"].to_pylist(),
            shown.index.sequences["id"].to_pylist(), strict=True)
    )  # fmt: skip
    time = shown.words.time
    rows = [row for row in table.rows(number) if row["curve"] is not None]
    averages = [
        EventAverage(
            onsets=_aligned(types[row["type"]]["onsets"], events, names, opened, key, window, peak),
            **{name: row[name] for name in EventAverage.model_fields if name in row},
            **{
                f"{name}_time": row[name] * time.step if time else None
                for name in ("peak_lag", "latency", "duration")
            },
        )
        for row in rows[:_SHOWN]
    ]
    return PeriEventView(
        before=window[0],
        after=window[1],
        before_time=window[0] * time.step if time else None,
        after_time=window[1] * time.step if time else None,
        averages=averages,
        of_types=len(rows),
    )


def _aligned(
    onsets: list[list[int]],
    events: FeatureEvents,
    names: dict[int, str],
    opened: RunCache,
    key: str,
    window: tuple[int, int],
    peak: float,
) -> list[AlignedOnset]:
    """Activations around some onsets, spread evenly over those that were kept."""
    index = opened.dictionary(key).index
    chosen = np.unique(np.linspace(0, len(onsets) - 1, min(len(onsets), _ONSETS)).round())
    aligned = []
    for sequence, step in (onsets[int(at)] for at in chosen):
        first, stop = step - window[0], step + window[1] + 1
        length = index.length(sequence)
        inside = events.activations(sequence, max(first, 0), min(stop, length))
        percent: list[Any] = [-1] * max(0, -first)
        percent += percent_of_peak(inside, peak).tolist()
        percent += [-1] * max(0, stop - length)
        aligned.append(
            AlignedOnset(sequence=sequence, step=step, name=names[sequence], percent=percent)
        )
    return aligned
