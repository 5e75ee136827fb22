"""Peri-event averages: rates of features around onsets of events, with a null of shifted onsets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from sparsetime import seeds
from sparsetime.errors import ConfigError, DataError
from sparsetime.features.column_definition import ColumnDefinition
from sparsetime.features.detail_table import DetailTable
from sparsetime.features.events.event_loops import count_around, largest_deviation
from sparsetime.features.events.onsets import Onsets, read_onsets
from sparsetime.features.feature_entries import FeatureEntries, feature_entries
from sparsetime.features.numba_loops import sort_by_feature
from sparsetime.progress import progress as running
from sparsetime.statistics.false_discovery import benjamini_hochberg, pooled_p_values

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.features.index import FeatureIndex

DRAWS = 200
WINDOW = (32, 64)  # steps before and after an onset
PERI_EVENT = "peri_event"
FEWEST_EVENTS = 5
FEWEST_STEPS = 10  # on which a feature is active, below which nothing is tested
_MOST_CURVES = 8  # types of a feature whose curve is kept, those with the least p
_MOST_ONSETS = 60  # of a type that are kept for a page
_SOURCE = "sparsetime peri-event"


@final
@dataclass(frozen=True)
class PeriEventAverages:
    """Rates around the onsets of one type of event.

    rate: share of onsets at which a feature is active at a lag, float64 [width, lags]; NaN at lags
    that no recording has. largest, null: the statistic, and its draws [width, draws].
    null_rate, null_sd: of a rate over draws and lags.
    """

    rate: Float[np.ndarray, "width lags"]
    largest: Float[np.ndarray, " width"]
    null: Float[np.ndarray, "width draws"]
    null_rate: Float[np.ndarray, " width"]
    null_sd: Float[np.ndarray, " width"]


def peri_event(
    index: FeatureIndex,
    events: Store | pa.Table | Mapping[str, Any],
    *,
    before: int = WINDOW[0],
    after: int = WINDOW[1],
    draws: int = DRAWS,
    seed: int = 0,
    progress: bool = True,
) -> DetailTable:
    """Average every feature around the onsets of every type of event.

    events: a store with events, or a table of `sequence` (number in the whole store), `first_step`
    and `trial_type`, such as `store.events` or `label_onsets`. before, after: the window, in steps.

        rate_f(lag) = share of onsets t with f active at t + lag,    -before <= lag <= after

    The baseline is the mean rate before the onset, the peak the rate furthest from it. The latency
    is the first lag of the unbroken stretch around the peak on which the deviation from the
    baseline is at least half of the peak's; the duration is the length of that stretch. The null
    shifts all onsets of a recording circularly by one random number of steps, so that distances
    between events stay; the statistic is the largest deviation over lags,

        max_lag |rate(lag) - r| / sqrt(r (1 - r) / n(lag)),

    with r the feature's rate over the steps of the recordings, each weighed by its onsets.

    p is pooled over features of like rate; q corrects for the number of features. Written beside
    the index and returned is the detail table "peri_event", with a row per feature and type; types
    of fewer than 5 onsets are left out and named in `about["too_few"]`.

    Errors: DataError for events outside of recordings, or fewer than 5 of every type; MismatchError
    for missing columns; ConfigError for a window or a number of draws out of range.
    """
    if before < 1 or after < 1 or draws < 20:
        raise ConfigError(
            f"got before={before}, after={after} and draws={draws}, expected at least one step "
            f"before and after, and 20 draws"
        )
    onsets_of_types = read_onsets(index, events)
    types = [one for one in onsets_of_types if len(one.step) >= FEWEST_EVENTS]
    if not types:
        raise DataError(
            f"got fewer than {FEWEST_EVENTS} events of every type in the indexed sequences; an "
            f"average needs more"
        )
    entries = feature_entries(index)
    by_row = _by_row(entries)
    counts = entries.count_by_sequence()
    tested = np.diff(entries.offsets) >= FEWEST_STEPS
    lengths = np.maximum(entries.lengths, 1)  # no onset is in a recording without steps
    parts = []
    with running("average around events", float(len(types)), "types", progress) as bar:
        for onsets in types:
            bar.say(onsets.type)
            weight = np.bincount(onsets.place, minlength=len(entries.numbers)) / lengths
            rate = np.asarray(counts.T @ weight).reshape(-1) / len(onsets.step)
            averages = _averages(entries, by_row, onsets, (before, after), rate, draws, seed)
            parts.append(_columns(onsets, averages, before, rate, tested))
            bar.advance()
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    kept = np.isfinite(columns["p"])
    order = np.flatnonzero(kept)[np.lexsort((columns["p"][kept], columns["feature"][kept]))]
    table: dict[str, Any] = {name: values[order] for name, values in columns.items()}
    table["curve"] = _curves(table["feature"], table["curve"])
    about = {
        "before": before,
        "after": after,
        "draws": draws,
        "seed": seed,
        "null": "onsets of a recording shifted circularly by one random number of steps",
        "types": [_about(onsets, entries) for onsets in types],
        "too_few": [one.type for one in onsets_of_types if len(one.step) < FEWEST_EVENTS],
    }
    return index.add_details(PERI_EVENT, table, _DEFINITIONS, about)


def _by_row(
    entries: FeatureEntries,
) -> tuple[Int[np.ndarray, " rows_plus_1"], Int[np.ndarray, " entries"]]:
    """Where the entries of each row begin, and the feature of each entry."""
    offsets, order = sort_by_feature(entries.row.astype(np.int64), entries.rows)
    return offsets, entries.feature[order].astype(np.int32)


def _averages(
    entries: FeatureEntries,
    by_row: tuple[Int[np.ndarray, " rows_plus_1"], Int[np.ndarray, " entries"]],
    onsets: Onsets,
    window: tuple[int, int],
    rate: Float[np.ndarray, " width"],
    draws: int,
    seed: int,
) -> PeriEventAverages:
    before, lags, width = window[0], sum(window) + 1, entries.width
    begin = entries.begins[onsets.place]
    length = entries.lengths[onsets.place]
    counts, seen = np.empty((lags, width), dtype=np.int32), np.empty(lags, dtype=np.int64)
    largest, null = np.zeros(width), np.empty((width, draws), dtype=np.float32)
    total, squares, unused = np.zeros(width), np.zeros(width), np.zeros(width)
    around = (begin, begin + length, before, counts, seen)
    for draw in range(draws):
        rng = seeds.numpy_generator(seed, "shifted onsets", draw)
        shift = (rng.random(len(entries.numbers))[onsets.place] * length).astype(np.int64)
        count_around(*by_row, begin + (onsets.step + shift) % length, *around)
        largest_deviation(counts, seen, rate, largest, total, squares)
        null[:, draw] = largest
    mean = total / (draws * lags)
    sd = np.sqrt(np.maximum(squares / (draws * lags) - mean**2, 0))
    count_around(*by_row, begin + onsets.step, *around)
    observed = np.zeros(width)
    largest_deviation(counts, seen, rate, observed, unused, unused.copy())
    share = np.where(seen > 0, counts.T / np.maximum(seen, 1), np.nan)
    return PeriEventAverages(share, observed, null, mean, sd)


def _columns(
    onsets: Onsets,
    averages: PeriEventAverages,
    before: int,
    rate: Float[np.ndarray, " width"],
    tested: np.ndarray,
) -> dict[str, np.ndarray]:
    """The columns of one type of event, one row a feature."""
    width = len(rate)
    base, peak_lag, latency, duration = response(averages.rate, before)
    peak = averages.rate[np.arange(width), peak_lag + before]
    p = pooled_p_values(
        np.where(tested, averages.largest, np.nan), averages.null, rate * len(onsets.step)
    )
    curves = np.empty(width, dtype=object)
    curves[:] = list(averages.rate)
    return {
        "feature": np.arange(width),
        "type": np.full(width, onsets.type, dtype=object),
        "events": np.full(width, len(onsets.step)),
        "baseline": base,
        "peak": peak,
        "peak_lag": peak_lag,
        "latency": latency,
        "duration": duration,
        "null_rate": averages.null_rate,
        "null_sd": averages.null_sd,
        "p": p,
        "q": benjamini_hochberg(p),
        "curve": curves,
    }


def response(
    rate: Float[np.ndarray, "width lags"], before: int
) -> tuple[
    Float[np.ndarray, " width"],
    Int[np.ndarray, " width"],
    Int[np.ndarray, " width"],
    Int[np.ndarray, " width"],
]:
    """Baseline, lag of the peak, latency and duration of every average; lags from -before on."""
    known = np.isfinite(rate)
    filled = np.where(known, rate, 0.0)
    base = filled[:, :before].sum(1) / np.maximum(known[:, :before].sum(1), 1)
    deviation = np.where(known, rate - base[:, None], 0.0)
    peak = np.abs(deviation).argmax(1)
    height = deviation[np.arange(len(rate)), peak]
    peak[height == 0] = before  # a flat average has no peak: the onset stands for it
    above = deviation * np.sign(height)[:, None] >= np.abs(height)[:, None] / 2
    lags = np.arange(rate.shape[1])
    # The last lag before the peak, and the first after it, at which the deviation is below half.
    start = np.where(~above & (lags < peak[:, None]), lags, -1).max(1) + 1
    stop = np.where(~above & (lags > peak[:, None]), lags, len(lags)).min(1)
    start, stop = np.where(height == 0, peak, start), np.where(height == 0, peak, stop)
    return base, peak - before, start - before, stop - start


def _curves(feature: Int[np.ndarray, " rows"], curve: np.ndarray) -> list[Any]:
    """The curve of the first rows of each feature; None for its others."""
    rank = np.arange(len(feature)) - np.searchsorted(feature, feature)
    return [row if at < _MOST_CURVES else None for row, at in zip(curve, rank, strict=True)]


def _about(onsets: Onsets, entries: FeatureEntries) -> dict[str, Any]:
    """The type's name and count, and some of its onsets, spread evenly, for a page."""
    count = len(onsets.step)
    chosen = np.unique(np.linspace(0, count - 1, min(count, _MOST_ONSETS)).round().astype(int))
    numbers = entries.numbers[onsets.place[chosen]]
    pairs = np.stack([numbers, onsets.step[chosen]], axis=1)
    return {"name": onsets.type, "events": count, "onsets": pairs.tolist()}


def _column(name: str, dtype: str, definition: str, unit: str = "") -> ColumnDefinition:
    return ColumnDefinition(name, dtype, definition, unit, _SOURCE)


_DEFINITIONS = (
    _column("type", "string", "type of the events"),
    _column("events", "int64", "number of onsets", "events"),
    _column("baseline", "float64", "mean rate at the lags before the onset"),
    _column("peak", "float64", "rate furthest from the baseline"),
    _column("peak_lag", "int64", "lag of the peak", "steps"),
    _column("latency", "int64", "first lag around the peak beyond half of its height", "steps"),
    _column("duration", "int64", "lags around the peak beyond half of its height", "steps"),
    _column("null_rate", "float64", "mean rate around shifted onsets"),
    _column("null_sd", "float64", "standard deviation of the rate at a lag around shifted onsets"),
    _column("p", "float64", "p-value of the largest deviation over lags, pooled over features"),
    _column("q", "float64", "false-discovery rate over the features, by Benjamini-Hochberg"),
    _column("curve", "list<float64>", "rate at every lag; of the types of a feature with least p"),
)
