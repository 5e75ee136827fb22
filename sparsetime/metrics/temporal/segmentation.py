"""Segmentation: precision, recall and F1 of a code's change points against true boundaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias, final

import numpy as np
from jaxtyping import Float, Int, Real

from sparsetime import seeds
from sparsetime.codes import SparseCode
from sparsetime.errors import DataError, MismatchError
from sparsetime.features.change_points import boundaries
from sparsetime.metrics.temporal.sequences import Lengths, check_labels, in_sequences, in_steps
from sparsetime.statistics.estimate import Estimate, estimate, ratio_of
from sparsetime.statistics.nulls import circular_shift

TOLERANCES = (1, 4, 16)
_ROTATIONS = 100
_NULL = "circular shift of the change points of every sequence by a random share of its length"

#: For each sequence the steps before which something changes, ascending, counted from its start.
Boundaries: TypeAlias = Sequence[Int[np.ndarray, " _"]]


@final
@dataclass(frozen=True, eq=False)
class Segmentation:
    """Change points against true boundaries, for each tolerance in steps, or in units of `step`.

    f1[i], precision[i] (share of the change points that are true) and recall[i] (share of the true
    boundaries with a hit) are at tolerances[i]. found, true: how many there are of each.
    """

    tolerances: tuple[float, ...]
    f1: tuple[Estimate, ...]
    precision: tuple[Estimate, ...]
    recall: tuple[Estimate, ...]
    found: int
    true: int


def segmentation(
    found: Boundaries,
    true: Boundaries,
    lengths: Sequence[int] | Int[np.ndarray, " sequences"],
    tolerances: Sequence[float] = TOLERANCES,
    seed: int = 0,
    step: float = 1.0,
) -> Segmentation:
    """Precision, recall and F1 of change points, one to one with true boundaries.

    F1 = 2 hits / (change points + true boundaries), with precision and recall, each from 0 to 1.

    A change point is a hit where a true boundary lies at most a tolerance away, paired one to one;
    as many as possible are paired. step: time from a step to the next, where tolerances are in its
    unit. The null shifts the change points of every sequence circularly.
    F1 is blind to the distance of a hit within the tolerance. F1: van Rijsbergen 1979, "Information
    retrieval"; with a tolerance, as for change points in Killick, Fearnhead and Eckley 2012 and
    after. `change_points` finds those of a code, `label_boundaries` those of a label.

    Errors: MismatchError where there are not as many sequences on all sides; DataError for a
    boundary outside of its sequence, a tolerance below 0, or where there is no true boundary.
    """
    steps = np.asarray(lengths, dtype=np.int64)
    if not len(found) == len(true) == len(steps):
        raise MismatchError(
            f"there are change points of {len(found)} sequences, true boundaries of {len(true)} "
            f"and {len(steps)} lengths; give each sequence one of each, empty where it has none"
        )
    for name, places in (("change point", found), ("true boundary", true)):
        _check_inside(name, places, steps)
    if min(tolerances, default=0) < 0:
        raise DataError(
            f"got a tolerance of {min(tolerances)}, expected a number of steps of at least 0"
        )
    if not sum(map(len, true)):
        raise DataError("no sequence has a true boundary, so precision and recall are undefined")
    rng = seeds.numpy_generator(seed, "shifted boundaries")
    shifts = rng.random((_ROTATIONS, len(steps)))
    shifted = [_shifted(found, steps, shift) for shift in shifts]
    f1: list[Estimate] = []
    precision: list[Estimate] = []
    recall: list[Estimate] = []
    found_count, true_count = (
        np.array([float(len(points)) for points in side]) for side in (found, true)
    )
    for tolerance in (round(one / step) for one in tolerances):
        hits = _hits(found, true, tolerance)
        null = float(np.mean([_hits(rotated, true, tolerance).sum() for rotated in shifted]))
        for out, over, under in (
            (f1, 2 * hits, found_count + true_count),
            (precision, hits, found_count),
            (recall, hits, true_count),
        ):
            scale = 2 if out is f1 else 1
            chance = scale * null / under.sum() if under.sum() else float("nan")
            out.append(estimate(ratio_of(over, under), len(steps), chance, _NULL, seed))
    return Segmentation(
        tuple(tolerances),
        tuple(f1),
        tuple(precision),
        tuple(recall),
        int(found_count.sum()),
        int(true_count.sum()),
    )


def change_points(
    code: SparseCode,
    lengths: Lengths = None,
    times: Real[np.ndarray, " rows"] | None = None,
    window: float | None = None,
    penalty: float = 1.0,
) -> list[Int[np.ndarray, " _"]]:
    """The steps of every sequence before which its active features change, exact to the step.

    min over partitions into states s of sum_s sum_(t in s) |y_t - mean_s|^2 + beta per state, with
    every feature weighed by one over its largest activation value. `features.change_points` has the
    penalty beta, which is measured from the noise of each sequence, and the sources (Jackson et al.
    2005; Killick, Fearnhead and Eckley 2012).
    window: the shortest state, in the unit of `times`, or in steps without; what lasts less counts
    as noise. None: one step, so that states of any length are found. penalty: factor of beta; 0
    gives every change of the code. Features that last for some steps, each by itself, are states to
    a window of 1; 4 (dwell - 1) steps is beyond them.

    Change points are blind to a change of features that are weak beside the noise, to gradual
    changes (which come out as one step or a few), and to what the states are.

    Errors: DataError for a window that no sequence is twice as long as; ConfigError for a negative
    penalty; those of `in_sequences`, which checks `times`.
    """
    sequences = in_sequences(code, lengths, times)
    longest = int(sequences.lengths.max())
    shortest = in_steps(window, 1, sequences, "window")
    if longest < 2 * shortest:
        raise DataError(
            f"change points are between states of at least {shortest} steps, and the longest "
            f"sequence has {longest}; give a window of at most {longest // 2} steps, or longer "
            "sequences"
        )
    feature, value = sequences.code.indices.numpy(), sequences.code.values.abs().double().numpy()
    largest = np.zeros(code.width)
    np.maximum.at(largest, feature, value)
    scale = np.where(largest > 0, 1 / np.where(largest > 0, largest, 1.0), 0.0)
    return [
        boundaries(sequences.code.row_slice(int(start), int(stop)), scale, shortest, penalty)
        for start, stop in pairwise(sequences.segments.offsets.tolist())
    ]


def label_boundaries(
    name: str,
    labels: Sequence[object] | np.ndarray,
    lengths: Sequence[int] | Int[np.ndarray, " sequences"],
) -> list[Int[np.ndarray, " _"]]:
    """The steps of every sequence at which its label is another than at the step before.

    Errors: MismatchError, by the label's name, where there is not one label for every step.
    """
    check_labels(name, labels, int(np.sum(lengths)))
    texts = np.array([str(label) for label in labels], dtype=object)
    parts = np.split(texts, np.cumsum(lengths)[:-1])
    return [1 + np.flatnonzero(part[1:] != part[:-1]) for part in parts]


def _hits(found: Boundaries, true: Boundaries, tolerance: int) -> Float[np.ndarray, " sequences"]:
    """How many pairs there are in each sequence."""
    pairs = zip(found, true, strict=True)
    return np.array([float(_paired(a, b, tolerance)) for a, b in pairs])


def _paired(
    found: Int[np.ndarray, " found"], true: Int[np.ndarray, " true"], tolerance: int
) -> int:
    """The most pairs within a tolerance: on a line, taking the earliest each time is best."""
    i = j = count = 0
    while i < len(found) and j < len(true):
        apart = int(found[i]) - int(true[j])
        if abs(apart) <= tolerance:
            i, j, count = i + 1, j + 1, count + 1
        elif apart < 0:
            i += 1
        else:
            j += 1
    return count


def _shifted(
    found: Boundaries,
    steps: Int[np.ndarray, " sequences"],
    shift: Float[np.ndarray, " sequences"],
) -> list[Int[np.ndarray, " _"]]:
    return [
        np.sort(
            circular_shift(points, np.full(len(points), steps[n]), np.full(len(points), shift[n]))
        )
        for n, points in enumerate(found)
    ]


def _check_inside(name: str, places: Boundaries, steps: Int[np.ndarray, " sequences"]) -> None:
    for n, (points, length) in enumerate(zip(places, steps, strict=True)):
        if len(points) and not (points.min() > 0 and points.max() < length):
            raise DataError(
                f"every {name} lies between two steps of its sequence, from 1 to its length less "
                f"one; sequence {n} has {length} steps and one at "
                f"{int(points.max() if points.max() >= length else points.min())}"
            )
