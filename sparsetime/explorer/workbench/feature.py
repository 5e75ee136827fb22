"""Statistics of one feature, examples at every activation value, and run lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sparsetime.errors import ConfigError
from sparsetime.explorer.peak_percent import percent_of_peak
from sparsetime.explorer.workbench.feature_list import lines
from sparsetime.explorer.workbench.inputs import input_view
from sparsetime.explorer.workbench.recording_labels import with_value
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.explorer.workbench.schema import (
    FeatureView,
    Histogram,
    History,
    Moment,
    MomentBand,
    Stage,
)
from sparsetime.features.feature_events import FeatureEvents

if TYPE_CHECKING:
    from sparsetime.features.index import FeatureIndex

AROUND = 16  # steps of context on either side
_TOP, _EACH = 8, 3
_COLUMNS = 640  # of a moment, where a series is
_FRAMES = 7  # of a moment, where frames are what the model saw
_BANDS = ("Strongest fifth", "Second fifth", "Middle fifth", "Fourth fifth", "Weakest fifth")
_BINS = 24


def feature(opened: RunCache, key: str, number: int, only: str = "") -> FeatureView:
    """Everything about a feature but its co-activation.

    only: a condition `label:value`; examples are then of the recordings with it.

    Errors: UnknownNameError for a dictionary that the run does not show; ConfigError for a
    feature that does not exist; those of `with_value`.
    """
    shown = opened.dictionary(key)
    check_feature(opened, key, number)
    row = shown.index.features.slice(number, 1).to_pylist()[0]
    moments = opened.feature_events(key, number)
    examples = moments
    if only:
        recordings = shown.index.sequences["sequence"].to_numpy()
        examples = moments.of_sequences(recordings[with_value(opened, key, only)])
    living = np.flatnonzero(shown.table.density > 0)
    at = int(np.searchsorted(living, number))
    after = at + int(at < len(living) and living[at] == number)
    return FeatureView(
        dictionary=key,
        line=lines(opened, key, [number])[0],
        count=row["count"],
        runs=row["runs"],
        mean=row["mean"] or 0.0,
        flicker=row["flicker"] or 0.0,
        half_life_censored=bool(row["half_life_censored"]),
        between_share=row.get("between_share"),
        position_density=row["position_density"],
        run_lengths=_lengths(moments.run_lengths()),
        strengths=_histogram(np.abs(moments.value)),
        bands=_bands(opened, key, examples, shown.table.peak[number]),
        earlier=int(living[at - 1]) if at else None,
        later=int(living[after]) if after < len(living) else None,
        history=_history(shown.index, number),
    )


def check_feature(opened: RunCache, key: str, number: int) -> None:
    """Errors: ConfigError for a feature that the dictionary does not have."""
    width = opened.dictionary(key).index.width
    if not 0 <= number < width:
        raise ConfigError(
            f"feature {number} does not exist: {key} has the features 0 to {width - 1}"
        )


def _history(index: FeatureIndex, number: int) -> History | None:
    stages = index.history(number).drop_columns(["feature"]).to_pylist()
    if not stages:
        return None
    return History(
        looked_at=index.record["history"]["steps"],
        stages=[Stage(**{**stage, "words": stage["words"] or []}) for stage in stages],
    )


def _bands(opened: RunCache, key: str, moments: FeatureEvents, peak: float) -> list[MomentBand]:
    top = moments.sample_band(0.0, 1.0, _TOP)
    bands = [("Strongest moments", top)]
    if len(moments.value) > _TOP:
        fifths = [(i / 5, (i + 1) / 5) for i in range(5)]
        # The strongest fifth leaves out its very top, which is shown already.
        fifths[0] = (min(len(top) / len(moments.value), 0.19), 0.2)
        bands += [
            (title, moments.sample_band(*band, _EACH))
            for title, band in zip(_BANDS, fifths, strict=True)
        ]
    return [
        MomentBand(title=title, moments=[_moment(opened, key, moments, int(m), peak) for m in some])
        for title, some in bands
    ]


def _moment(opened: RunCache, key: str, moments: FeatureEvents, at: int, peak: float) -> Moment:
    sequence, position = int(moments.sequence[at]), int(moments.position[at])
    words = opened.document(key, sequence)
    first, stop = max(0, position - AROUND), min(len(words.words), position + AROUND + 1)
    activation = moments.activations(sequence, first, stop)
    shown = input_view(opened, key, sequence, first, stop, frames=_FRAMES, columns=_COLUMNS)
    return Moment(
        sequence=sequence,
        position=position,
        source=words.id,
        value=float(moments.value[at]),
        time=words.time(position),
        first=first,
        here=position - first,
        words=list(words.words[first:stop]),
        gaps=list(words.gaps[first:stop]),
        strengths=percent_of_peak(activation, peak).tolist(),
        is_text=words.is_text,
        input=shown if shown.kind not in ("text", "none") else None,
    )


def _lengths(lengths: np.ndarray) -> Histogram:
    """Whole lengths each in a bin of its own up to a dozen, wider bins beyond."""
    longest = int(lengths.max(initial=1))
    edges = np.arange(1, 14) - 0.5
    if longest > 12:
        edges = np.unique(np.append(edges, np.rint(np.geomspace(13, longest + 1, 10)) - 0.5))
    return Histogram(edges=edges.tolist(), counts=np.histogram(lengths, edges)[0].tolist())


def _histogram(values: np.ndarray) -> Histogram:
    edges = np.linspace(0, float(values.max(initial=0)) or 1.0, _BINS + 1)
    return Histogram(edges=edges.tolist(), counts=np.histogram(values, edges)[0].tolist())
