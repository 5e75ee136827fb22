"""Rhythm of one feature: its power spectrum in Hz, and its beat."""

from __future__ import annotations

import numpy as np

from sparsetime.errors import DataError
from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.workbench.feature import check_feature
from sparsetime.explorer.workbench.run_cache import RunCache

SEQUENCES = 16
MOST_STEPS = 200_000


class FeatureRhythm(FrozenRecord):
    """When a feature comes again, over the sequences in which it is most active.

    frequencies: in `unit`. power: the share of its variance at each; null: the same with the steps
    of every sequence shuffled. period: steps from a beat to the next, where it beats in sequences
    that did not choose the period; None where it does not, or where one sequence was read.
    reason: why there is no spectrum; empty where there is one.
    """

    frequencies: tuple[float, ...] = ()
    power: tuple[float, ...] = ()
    null: tuple[float, ...] = ()
    unit: Text = ""
    period: int | None = None
    period_time: float | None = None  # in the run's `time_unit`, where a step has a length
    sequences: int = 0
    steps: int = 0
    reason: Text = ""


def feature_rhythm(opened: RunCache, key: str, number: int) -> FeatureRhythm:
    """The spectrum and the beat of a feature; see `st.metrics.spectrum` and `periodicity`.

    Errors: UnknownNameError for a dictionary that the run does not show; ConfigError for a
    feature that does not exist.
    """
    from sparsetime.codes import concatenate
    from sparsetime.metrics.temporal.periodicity import periodicity
    from sparsetime.metrics.temporal.spectrum import spectrum

    check_feature(opened, key, number)
    chosen = busiest_sequences(opened, key, number, SEQUENCES, MOST_STEPS)
    if not chosen:
        return FeatureRhythm(reason="It fires nowhere.")
    codes = [opened.code(key, sequence).latents(number, number + 1) for sequence in chosen]
    code, lengths = concatenate(codes), [code.rows for code in codes]
    read = {"sequences": len(chosen), "steps": code.rows}
    try:
        result = spectrum(code, lengths)
        beat = periodicity(code, lengths)
    except DataError as error:
        return FeatureRhythm(**read, reason=f"{str(error)[0].upper()}{str(error)[1:]}.")
    words = opened.dictionary(key).words
    factor, unit = words.time.frequency_unit if words.time else (1.0, f"cycles a {words.step}")
    period = int(beat.period[0]) if beat.beats[0] and beat.period[0] > 0 else None
    return FeatureRhythm(
        **read,
        frequencies=tuple((result.frequencies * factor).tolist()),
        power=tuple(result.power.tolist()),
        null=tuple(result.null.tolist()),
        unit=unit,
        period=period,
        period_time=period * words.time.step if period and words.time else None,
    )


def busiest_sequences(opened: RunCache, key: str, number: int, most: int, steps: int) -> list[int]:
    """The sequences in which a feature is active most often, by number, within `steps`."""
    index = opened.dictionary(key).index
    sequences, count = np.unique(opened.feature_events(key, number).sequence, return_counts=True)
    chosen: list[int] = []
    used = 0
    for sequence in sequences[np.argsort(-count, kind="stable")][:most].tolist():
        length = index.length(sequence)
        if chosen and used + length > steps:
            break
        chosen.append(int(sequence))
        used += length
    return sorted(chosen)
