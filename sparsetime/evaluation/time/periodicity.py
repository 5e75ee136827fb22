"""Periodicity: which features beat, and with what period."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int, Real

from sparsetime.codes import SparseCode
from sparsetime.errors import DataError
from sparsetime.evaluation.time import autocovariance
from sparsetime.evaluation.time.estimate import Estimate, estimate, ratio_of
from sparsetime.evaluation.time.nulls import SHUFFLED, shuffled
from sparsetime.evaluation.time.sequences import Lengths, check_lag, in_sequences

_SHUFFLES = 9
_NEARLY = 0.9  # the first peak that is nearly as high as the highest is the period itself


@final
@dataclass(frozen=True, eq=False)
class Periodicity:
    """The period of every feature.

    strength: how far the autocorrelation climbs again after its lowest value so far; about 1 for a
    beat of short pulses, 2 for a wave that is on half of the time, 0 for one that never climbs;
    NaN for a feature that does not vary. period: the lag in steps of that climb's top, -1 for none;
    times `step` in the unit of the times given. null: the largest strength of each feature in 9
    shuffles of time. share: of the features that vary, those whose strength is above their null.
    """

    share: Estimate
    period: Int[np.ndarray, " width"]
    strength: Float[np.ndarray, " width"]
    null: Float[np.ndarray, " width"]
    step: float


def periodicity(
    code: SparseCode,
    lengths: Lengths = None,
    times: Real[np.ndarray, " rows"] | None = None,
    longest: int = 128,
    seed: int = 0,
) -> Periodicity:
    """The period of every feature, from the autocorrelation at lags up to `longest`.

    A feature that lasts is alike to itself a little later without any beat, so a peak counts by
    its height above the lowest value before it and not above 0. Peaks of the autocorrelation as
    periods: Rabiner 1977, "On the use of autocorrelation analysis for pitch detection".

    A feature without a beat is above the largest of 9 shuffles in one case of ten, which is the
    null of `share`. Its interval is over features, which are what is counted.

    Errors: DataError for lags that leave no pairs, where no feature varies; those of
    `in_sequences`, which checks `times`.
    """
    given = in_sequences(code, lengths, times)
    check_lag(longest, given, "longest")
    period, strength = _beats(autocovariance.by_feature(given, longest))
    varies = np.isfinite(strength)
    if not varies.any():
        raise DataError("no feature varies over these steps, so none has a period")
    null = np.full(code.width, -np.inf)
    for n in range(_SHUFFLES):
        mixed = shuffled(given, seed + n)
        null = np.fmax(null, _beats(autocovariance.by_feature(mixed, longest))[1])
    null[~varies] = np.nan
    above = (strength > null)[varies].astype(float)
    chance = 1 / (_SHUFFLES + 1)
    found = estimate(ratio_of(above, np.ones(len(above))), len(above), chance, SHUFFLED, seed)
    return Periodicity(found, period, strength, null, given.step)


def _beats(
    correlation: Float[np.ndarray, "width lags_plus_1"],
) -> tuple[Int[np.ndarray, " width"], Float[np.ndarray, " width"]]:
    """The period and the strength of each feature's beat."""
    inner = correlation[:, 1:-1]
    peak = (inner > correlation[:, :-2]) & (inner >= correlation[:, 2:])
    lowest = np.fmin.accumulate(correlation, axis=1)[:, :-2]
    climb = np.where(peak, inner - lowest, 0.0)
    climb[~np.isfinite(inner)] = 0.0
    if not climb.shape[1]:
        return np.full(len(climb), -1), np.where(np.isfinite(correlation[:, 0]), 0.0, np.nan)
    strength = climb.max(axis=1)
    period = 1 + np.argmax(climb >= _NEARLY * strength[:, None], axis=1)
    period[strength <= 0] = -1
    strength[~np.isfinite(correlation[:, 0])] = np.nan
    return period, strength
