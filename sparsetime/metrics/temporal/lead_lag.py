"""Lead and lag: ordered pairs of features, one beginning shortly before the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int, Real

from sparsetime import seeds
from sparsetime.codes import SparseCode
from sparsetime.errors import DataError
from sparsetime.features import timescales
from sparsetime.metrics.temporal import numba_loops
from sparsetime.metrics.temporal.sequences import (
    Lengths,
    Sequences,
    check_lag,
    in_sequences,
    in_steps,
)
from sparsetime.statistics.estimate import Estimate, estimate, ratio, ratio_of
from sparsetime.statistics.nulls import circular_shift

BUSIEST = 512
_WITHIN = 16  # steps
_ROTATIONS = 19
_LEAST = 5.0
_NULL = "circular shift of every feature on its own in every sequence, by a random share of it"


@final
@dataclass(frozen=True, eq=False)
class LeadLag:
    """Ordered pairs of features, most beyond the null first.

    leader, follower: features. count: beginnings of the follower with one of the leader at most
    `within` steps earlier. expected: the mean count over 19 rotations; largest: the largest.
    announced: count by all beginnings of the follower; lag: mean steps since the leader began.
    share: of all pairs of which 5 or more could be counted, those beyond their largest rotation;
    one in twenty where features are independent.
    """

    share: Estimate
    leader: Int[np.ndarray, " pairs"]
    follower: Int[np.ndarray, " pairs"]
    count: Int[np.ndarray, " pairs"]
    expected: Float[np.ndarray, " pairs"]
    largest: Int[np.ndarray, " pairs"]
    announced: Float[np.ndarray, " pairs"]
    lag: Float[np.ndarray, " pairs"]
    within: int

    @property
    def lift(self) -> Float[np.ndarray, " pairs"]:
        """Count by expected; infinite where no rotation gave any."""
        never = np.full(len(self.count), np.inf)
        return np.asarray(np.divide(self.count, self.expected, out=never, where=self.expected > 0))


def lead_lag(
    code: SparseCode,
    lengths: Lengths = None,
    within: float | None = None,
    most: int = 100,
    seed: int = 0,
    times: Real[np.ndarray, " rows"] | None = None,
) -> LeadLag:
    """Ordered pairs of features, and the share of pairs beyond the null.

    share = share of ordered pairs (i, j) with count(i, j) above its largest rotation.
    count(i, j): beginnings of j with a beginning of i at most `within` earlier.
    within: in the unit of `times`, or in steps without; None: 16 steps. The result
    lists the `most` pairs with the largest score.

    A feature begins where it is on and was off, or was not yet read, at the step before; beginnings
    at the first step of a sequence are left out, as nothing could announce them. Pairs are of
    the 512 features that begin most often; score = (count - expected) / sqrt(expected + 1).

    The null shifts every feature circularly on its own: it keeps its beginnings and its rhythm, and
    loses its relation to others. So a feature that is only frequent does not count. It is blind to
    pairs beyond `within`, and to common causes. Source: cross-correlograms against shifted trains,
    Perkel, Gerstein and Moore 1967, "Neuronal spike trains and stochastic point processes II".
    `share` is over pairs, and its interval over leaders, since the pairs of one leader are not
    independent.

    Errors: DataError where `within` leaves no pairs of steps, or nothing begins; those of
    `in_sequences`.
    """
    sequences = in_sequences(code, lengths, times)
    steps = in_steps(within, _WITHIN, sequences, "within")
    check_lag(steps, sequences, "within")
    rows, features = _beginnings(sequences)
    if not len(rows):
        raise DataError("no feature begins after the first step of a sequence; nothing can follow")
    often = np.bincount(features, minlength=code.width)
    chosen = np.sort(np.argsort(-often, kind="stable")[:BUSIEST])
    chosen = chosen[often[chosen] > 0]
    place = np.full(code.width, -1)
    place[chosen] = np.arange(len(chosen))
    kept = place[features] >= 0
    rows, events = rows[kept], place[features[kept]]
    begins, lasts = sequences.begins[rows], (sequences.ends - sequences.begins)[rows]
    count, lag = _announced(rows, events, begins, steps, len(chosen))
    mean, largest = np.zeros(count.shape), np.zeros(count.shape, dtype=np.int64)
    # A sequence and a feature turn together, and no others with them.
    _, turning = np.unique(begins * len(chosen) + events, return_inverse=True)
    for n in range(_ROTATIONS):
        rng = seeds.numpy_generator(seed, "shifted beginnings", n)
        drawn = rng.random(int(turning.max()) + 1)
        turned = begins + circular_shift(rows - begins, lasts, drawn[turning])
        order = np.argsort(turned, kind="stable")
        null, _ = _announced(turned[order], events[order], begins[order], steps, len(chosen))
        mean, largest = mean + null / _ROTATIONS, np.maximum(largest, null)
    beginnings = np.bincount(events, minlength=len(chosen))
    testable = np.minimum(mean, beginnings) >= _LEAST
    np.fill_diagonal(testable, False)
    if testable.any():
        beyond = ((count > largest) & testable).sum(axis=1).astype(float)
        share = ratio_of(beyond, testable.sum(axis=1).astype(float))
    else:
        share = ratio_of(np.zeros(len(chosen)), np.zeros(len(chosen)))
    share_led = estimate(share, len(chosen), 1 / (_ROTATIONS + 1), _NULL, seed)
    score = (count - mean) / np.sqrt(mean + 1)
    np.fill_diagonal(score, -np.inf)
    best = np.argsort(-score, axis=None, kind="stable")[:most]
    best = best[score.reshape(-1)[best] > 0]
    leader, follower = np.divmod(best, len(chosen))
    at = (leader, follower)
    return LeadLag(
        share_led,
        chosen[leader],
        chosen[follower],
        count[at],
        mean[at],
        largest[at],
        count[at] / beginnings[follower],
        ratio(lag[at].astype(float), count[at].astype(float)),
        steps,
    )


def _beginnings(
    sequences: Sequences,
) -> tuple[Int[np.ndarray, " events"], Int[np.ndarray, " events"]]:
    """Rows, ascending, and features that begin there."""
    runs = timescales.runs(sequences.code, sequences.segments)
    inside = runs.start > sequences.begins[runs.start]
    rows, features = runs.start[inside], runs.feature[inside]
    order = np.argsort(rows, kind="stable")
    return rows[order], features[order]


def _announced(
    rows: Int[np.ndarray, " events"],
    features: Int[np.ndarray, " events"],
    begins: Int[np.ndarray, " events"],
    within: int,
    many: int,
) -> tuple[Int[np.ndarray, "features features"], Int[np.ndarray, "features features"]]:
    counts = np.zeros((many, many), dtype=np.int64)
    lags = np.zeros((many, many), dtype=np.int64)
    numba_loops.announced(rows, features, begins, within, counts, lags)
    return counts.T, lags.T
