"""Detection: alarm episodes of scores, thresholds for a false-alarm rate, delays and misses."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int

from sparsetime import seeds

NEVER = sys.float_info.max  # a threshold above all scores, which JSON can hold
_CANDIDATES = 512  # thresholds that are tried, at quantiles of the scores
_SHIFTS = 200  # of the events, for the detections by chance


@final
@dataclass(frozen=True)
class ScoredRecording:
    """The scores of one recording, and its events as first step and one past the last."""

    scores: Float[np.ndarray, " steps"]
    first: Int[np.ndarray, " events"]
    stop: Int[np.ndarray, " events"]


@final
@dataclass(frozen=True)
class Detection:
    """What an alarm does at a threshold.

    hours: without events. false_alarms: episodes that begin outside events. false_rate: of them an
    hour (None where there are no such hours), with its 95% interval (Garwood, exact for a Poisson
    count). events, missed. delays: seconds from the onset to the first step at the threshold, of
    the detected events. chance: share of events detected when all are shifted circularly within
    their recordings, mean of 200 draws.
    """

    hours: float
    false_alarms: int
    false_rate: float | None
    interval: tuple[float, float] | None
    events: int
    missed: int
    delays: tuple[float, ...]
    chance: float | None


def episodes(
    scores: Float[np.ndarray, " steps"], threshold: float, hold: int
) -> Int[np.ndarray, "episodes 2"]:
    """First step and one past the last of each alarm; with gaps below `hold` steps they are one."""
    above = np.concatenate([[False], scores >= threshold, [False]])
    edges = np.flatnonzero(above[1:] != above[:-1])
    starts, stops = edges[::2], edges[1::2]
    if not len(starts):
        return np.zeros((0, 2), dtype=np.int64)
    apart = starts[1:] - stops[:-1] >= max(hold, 1)
    return np.stack(
        [starts[np.concatenate([[True], apart])], stops[np.concatenate([apart, [True]])]], 1
    )


def false_alarms(
    recordings: Sequence[ScoredRecording], threshold: float, hold: int, late: int
) -> int:
    """Episodes that begin outside events. late: steps after an event that still belong to it.

    One that lasts into an event has begun without it: an alarm that is always on answers nothing.
    """
    count = 0
    for one in recordings:
        begins = episodes(one.scores, threshold, hold)[:, :1]
        inside = (begins >= one.first) & (begins < one.stop + late)
        count += int((~inside.any(axis=1)).sum())
    return count


def clean_steps(recordings: Sequence[ScoredRecording], late: int) -> int:
    """Steps outside events."""
    steps = 0
    for one in recordings:
        inside = np.zeros(len(one.scores), dtype=bool)
        for first, stop in zip(one.first, one.stop, strict=True):
            inside[first : stop + late] = True
        steps += int((~inside).sum())
    return steps


def threshold_for(
    recordings: Sequence[ScoredRecording], allowed: float, hold: int, late: int
) -> float:
    """The lowest threshold, from the top down, with at most `allowed` false alarms.

    From the top down, since episodes merge: at a very low threshold all steps are one alarm.
    """
    scores = np.concatenate([one.scores for one in recordings])
    positive = scores[scores > 0]
    if not len(positive):
        return NEVER
    top = float(positive.max())
    ladder = np.unique(np.quantile(positive, 1 - np.geomspace(1 / len(positive), 1, _CANDIDATES)))
    chosen = float(np.nextafter(top, np.inf))
    for candidate in ladder[::-1].tolist():
        if false_alarms(recordings, candidate, hold, late) > allowed:
            break
        chosen = candidate
    return chosen


def detect(
    recordings: Sequence[ScoredRecording],
    threshold: float,
    hold: int,
    late: int,
    step: float,
    seed: int,
) -> Detection:
    """False alarms, misses and delays at a threshold. step: seconds."""
    hours = clean_steps(recordings, late) * step / 3600
    count = false_alarms(recordings, threshold, hold, late)
    delays, missed = _delays(recordings, threshold, late)
    events = len(delays) + missed
    rng = seeds.numpy_generator(seed, "shifted events of a monitor")
    chance = None
    if events:
        shares = []
        for _ in range(_SHIFTS):
            moved = [
                _shifted(one, int(rng.integers(max(len(one.scores), 1)))) for one in recordings
            ]
            shares.append(1 - _delays(moved, threshold, late)[1] / events)
        chance = float(np.mean(shares))
    low, high = poisson_interval(count)
    rate = count / hours if hours else None
    interval = (low / hours, high / hours) if hours else None
    seconds = tuple(delay * step for delay in delays)
    return Detection(hours, count, rate, interval, events, missed, seconds, chance)


def poisson_interval(count: int) -> tuple[float, float]:
    """The exact 95% interval of the mean of a Poisson count (Garwood 1936)."""
    from scipy.stats import chi2

    low = 0.0 if count == 0 else float(chi2.ppf(0.025, 2 * count) / 2)
    return low, float(chi2.ppf(0.975, 2 * (count + 1)) / 2)


def _delays(
    recordings: Sequence[ScoredRecording], threshold: float, late: int
) -> tuple[list[int], int]:
    delays, missed = [], 0
    for one in recordings:
        for first, stop in zip(one.first.tolist(), one.stop.tolist(), strict=True):
            found = np.flatnonzero(one.scores[first : stop + late] >= threshold)
            if len(found):
                delays.append(int(found[0]))
            else:
                missed += 1
    return delays, missed


def _shifted(one: ScoredRecording, steps: int) -> ScoredRecording:
    """The recording with its scores moved circularly, and its events where they were."""
    return ScoredRecording(np.roll(one.scores, steps), one.first, one.stop)
