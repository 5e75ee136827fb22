"""Periodicity: the period of every feature, and the share of periodic features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int, Real

from sparsetime.codes import SparseCode
from sparsetime.errors import DataError
from sparsetime.metrics.temporal import autocovariance
from sparsetime.metrics.temporal.sequences import (
    Lengths,
    Sequences,
    check_lag,
    in_sequences,
    in_steps,
)
from sparsetime.statistics.estimate import Estimate, estimate, ratio, ratio_of

_CHANCE = 0.05
_LONGEST = 128  # steps
_NEARLY = 0.9  # the first peak that is nearly as high as the highest is the period itself
_NULL = "features without a period: held-out climbs above 0 by chance, one in twenty"


@final
@dataclass(frozen=True, eq=False)
class Periodicity:
    """The period of every feature.

    strength: how far the autocorrelation climbs again after its lowest value so far; about 1 for a
    beat of short pulses, 2 for a wave that is on half of the time, 0 for one that never climbs;
    NaN for a feature that does not vary. period: the lag in steps of that climb's top, -1 for none;
    times `step` in the unit of the times given. held_out: the climb between the same two lags in
    sequences that they were not chosen from; 0 or below for a feature without a beat. beats:
    whether that is above 0 by more than chance. share: of the features that vary, those that beat.
    With one sequence nothing can be held out: held_out and share are NaN, and nothing beats.
    """

    share: Estimate
    period: Int[np.ndarray, " width"]
    strength: Float[np.ndarray, " width"]
    held_out: Float[np.ndarray, " width"]
    beats: Bool[np.ndarray, " width"]
    step: float


def periodicity(
    code: SparseCode,
    lengths: Lengths = None,
    times: Real[np.ndarray, " rows"] | None = None,
    longest: float | None = None,
    seed: int = 0,
) -> Periodicity:
    """climb_i = max over peaks p of rho_i(p) - min over L < p of rho_i(L); period_i = that peak p.

    rho_i: the autocorrelation of feature i within sequences, about the mean of each, at lags up to
    `longest`, in the unit of `times`, or in steps without; None: 128 steps.

    A feature with long runs correlates with itself at short lags without a period. So a peak counts
    by its height above the lowest value before it, not above 0. Source: peaks of the
    autocorrelation as periods: Rabiner 1977, "On the use of autocorrelation analysis for pitch
    detection".

    By chance every autocorrelation climbs somewhere, and more for longer runs, which shuffled time
    would hide. So the lags of a climb are chosen on one half of the sequences and
    measured on each group of the other, and the reverse: where the autocorrelation only falls, as
    of anything that lasts without a beat, the mean of these is at most 0. A feature beats where it
    is above 0 by Student's t-test over groups (Student 1908, "The probable error of a mean"), which
    happens to one in twenty without a beat. The interval of `share` is over features, which are
    what is counted.
    A period is blind to beats longer than `longest`, to one that only some sequences have, and to
    a drifting one, whose peaks blur.

    Errors: DataError for lags that leave no pairs, where no feature varies; those of
    `in_sequences`, which checks `times`.
    """
    sequences = in_sequences(code, lengths, times)
    lags = in_steps(longest, _LONGEST, sequences, "longest")
    check_lag(lags, sequences, "longest")
    half = np.arange(sequences.groups) % 2
    whole, halves = autocovariance.by_feature(sequences, lags, half)
    climb = _climbs(whole)
    strength = climb.max(axis=1)
    first = np.argmax(climb >= _NEARLY * strength[:, None], axis=1)
    varies = np.isfinite(whole[:, 0])
    if not varies.any():
        raise DataError("no feature varies over these steps, so none has a period")
    period = np.where(strength > 0, first, -1)
    strength = np.where(varies, strength, np.nan)
    held_out, beats = np.full(code.width, np.nan), np.zeros(code.width, dtype=bool)
    if sequences.groups > 1:
        held_out, beats = _held_out(sequences, halves, half)
    counted = beats[varies].astype(float)
    weight = np.full(len(counted), float(sequences.groups > 1))
    share = estimate(ratio_of(counted, weight), len(counted), _CHANCE, _NULL, seed)
    return Periodicity(share, period, strength, held_out, beats, sequences.step)


def _climbs(
    correlation: Float[np.ndarray, "*parts width lags_plus_1"],
) -> Float[np.ndarray, "*parts width lags_plus_1"]:
    """At every lag a peak's height above the lowest value before it; 0 where there is no peak."""
    inner = correlation[..., 1:-1]
    peak = (inner > correlation[..., :-2]) & (inner >= correlation[..., 2:])
    lowest = np.fmin.accumulate(correlation, axis=-1)[..., :-2]
    climb = np.zeros(correlation.shape)
    climb[..., 1:-1] = np.where(peak, inner - lowest, 0.0)
    return climb


def _held_out(
    sequences: Sequences,
    halves: Float[np.ndarray, "halves width lags_plus_1"],
    half: Int[np.ndarray, " groups"],
) -> tuple[Float[np.ndarray, " width"], Bool[np.ndarray, " width"]]:
    """The mean over groups of the climb between lags from the other half; whether it is one."""
    from scipy.stats import t as student

    top = _climbs(halves).argmax(axis=2)  # 0 where nothing climbs: compared with itself
    before = np.arange(halves.shape[2]) <= top[..., None]
    bottom = np.where(before & np.isfinite(halves), halves, np.inf).argmin(axis=2)
    climbs = autocovariance.at_lags(sequences, top[1 - half])
    climbs -= autocovariance.at_lags(sequences, bottom[1 - half])
    finite = np.isfinite(climbs)
    many = finite.sum(axis=0).astype(float)
    mean = ratio(np.where(finite, climbs, 0.0).sum(axis=0), many)
    spread = np.where(finite, (climbs - mean) ** 2, 0.0).sum(axis=0)
    error = np.sqrt(ratio(spread, many * (many - 1)))
    return mean, mean > student.ppf(1 - _CHANCE, np.maximum(many - 1, 1)) * error
