"""Moments of a feature that a rule is chosen or scored on, and the silent steps beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, final, get_args

import numpy as np
from jaxtyping import Bool, Int

from sparsetime import seeds

if TYPE_CHECKING:
    from sparsetime.explanations.conditions.step_conditions import StepConditions
    from sparsetime.features.feature_entries import FeatureEntries

#: Parts of a feature's course: all active steps, its first steps, its further steps, its ends.
Part: TypeAlias = Literal["active", "onset", "stay", "end"]
PARTS: tuple[Part, ...] = get_args(Part)
#: Kinds of silent steps; without tokens the second is "near in time".
KINDS = ("random", "same token", "nearest features")
_NEAR = 8  # steps


@final
@dataclass(frozen=True, eq=False)
class Sample:
    """Rows of one feature and part. kind: -1 of a positive row, else the place in `KINDS`."""

    rows: Int[np.ndarray, " sample"]
    kind: Int[np.ndarray, " sample"]

    @property
    def positive(self) -> Bool[np.ndarray, " sample"]:
        return np.asarray(self.kind < 0)


@final
class Moments:
    """Samples of every feature on some rows, such as those of the scoring half.

    A sample has at most `most` positive rows, of all activation values alike, and as many others.
    Of "active" and "onset" these are silent steps, one third each random, with the token of a
    positive row, and active for one of the nearest features. Of "stay" and "end", which are
    conditional on an active step before, the others are the ends and the further active steps.
    """

    def __init__(
        self,
        entries: FeatureEntries,
        conditions: StepConditions,
        rows: Bool[np.ndarray, " rows"],
        nearest: Int[np.ndarray, "width near"],
        most: int,
        seed: int,
    ) -> None:
        self._entries = entries.on(rows)
        self._rows = np.flatnonzero(rows)
        self._in = rows
        self._first = np.zeros(len(rows) + 1, dtype=bool)
        self._first[entries.begins] = True
        self._nearest, self._most, self._seed = nearest, most, seed
        self._active = np.zeros(len(rows), dtype=bool)
        token = conditions.token
        self._token = None if token is None else token.code
        if self._token is not None:
            code = self._token[self._rows]
            self._by_token = self._rows[np.argsort(code, kind="stable")]
            count = np.bincount(code[code >= 0], minlength=int(self._token.max(initial=0)) + 1)
            self._of_token = np.concatenate([[0], np.cumsum(count)]) + int((code < 0).sum())

    def active(self, feature: int) -> Int[np.ndarray, " active"]:
        """The active rows of a feature, the largest |activation value| first."""
        return self._of(feature)

    def sample(self, feature: int, part: Part) -> Sample:
        """The sample of a part of a feature; empty classes where it has none."""
        rng = seeds.numpy_generator(self._seed, "moments of an explanation", feature, part)
        own = self._of(feature)
        self._active[own] = True
        followed = ~self._first[own] & self._active[own - 1]
        if part in ("active", "onset"):
            positive = spread(own if part == "active" else own[~followed], self._most)
            rows, kind = self._silent(feature, positive, part == "onset", rng)
        else:
            after = own[own + 1 < len(self._in)] + 1
            ended = after[~self._active[after] & ~self._first[after]]
            stays = own[followed]
            positive, others = (stays, ended) if part == "stay" else (ended, stays)
            positive, rows = (_some(one, self._most, rng) for one in (positive, others))
            kind = np.zeros(len(rows), dtype=np.int64)
        self._active[own] = False
        whole = np.concatenate([positive, rows])
        return Sample(whole, np.concatenate([np.full(len(positive), -1), kind]))

    def _of(self, feature: int) -> Int[np.ndarray, " active"]:
        offsets = self._entries.offsets
        return self._entries.row[offsets[feature] : offsets[feature + 1]].astype(np.int64)

    def _silent(
        self,
        feature: int,
        positive: Int[np.ndarray, " positive"],
        onset: bool,
        rng: np.random.Generator,
    ) -> tuple[Int[np.ndarray, " silent"], Int[np.ndarray, " silent"]]:
        """Silent rows and their kinds; before an onset the step before is silent too."""
        each = -(-len(positive) // 3)
        if not each or not len(self._rows):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        draws = [
            self._rows[rng.integers(len(self._rows), size=4 * each)],
            self._alike(positive, rng, 4 * each),
            self._near(feature, rng, 4 * each),
        ]
        found = []
        for rows in draws:
            silent = ~self._active[rows]
            if onset:
                silent &= self._first[rows] | ~self._active[rows - 1]
            found.append(rows[silent][:each])
        # Where nothing alike is silent, random steps take the place.
        more = 3 * each - sum(map(len, found))
        if more:
            rest = self._rows[rng.integers(len(self._rows), size=4 * more)]
            silent = ~self._active[rest]
            if onset:
                silent &= self._first[rest] | ~self._active[rest - 1]
            found[0] = np.concatenate([found[0], rest[silent][:more]])
        return np.concatenate(found), np.repeat(np.arange(3), [len(rows) for rows in found])

    def _alike(
        self, positive: Int[np.ndarray, " positive"], rng: np.random.Generator, many: int
    ) -> Int[np.ndarray, " many"]:
        """Rows with the token of a positive row; without tokens rows near one in time."""
        drawn = positive[rng.integers(len(positive), size=many)]
        if self._token is None:
            near = np.clip(drawn + rng.integers(-_NEAR, _NEAR + 1, size=many), 0, len(self._in) - 1)
            return np.asarray(near[self._in[near]])
        token = self._token[drawn]
        drawn, token = drawn[token >= 0], token[token >= 0]
        first, stop = self._of_token[token], self._of_token[token + 1]
        place = first + (rng.random(len(token)) * (stop - first)).astype(np.int64)
        return np.asarray(self._by_token[place])

    def _near(self, feature: int, rng: np.random.Generator, many: int) -> Int[np.ndarray, " many"]:
        """Active rows of the nearest features, as many of each."""
        parts = [self._of(int(other)) for other in self._nearest[feature] if other >= 0]
        parts = [part for part in parts if len(part)]
        if not parts:
            return np.empty(0, np.int64)
        each = -(-many // len(parts))
        drawn = np.concatenate([part[rng.integers(len(part), size=each)] for part in parts])
        return rng.permutation(drawn)


def spread(ranked: Int[np.ndarray, " rows"], most: int) -> Int[np.ndarray, " some"]:
    """At most `most` of ranked rows, at equal distances of rank."""
    if len(ranked) <= most:
        return ranked
    return ranked[(np.arange(most) * len(ranked)) // most]


def _some(
    rows: Int[np.ndarray, " rows"], most: int, rng: np.random.Generator
) -> Int[np.ndarray, " some"]:
    return rows if len(rows) <= most else rng.choice(rows, most, replace=False)
