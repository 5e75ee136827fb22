"""Sequences: a code with the segments of its rows, for metrics over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias, final

import numpy as np
from jaxtyping import Int, Real

from sparsetime.codes import SparseCode
from sparsetime.errors import DataError, MismatchError
from sparsetime.features.timescales import FeatureColumns, feature_columns
from sparsetime.segments import Segments
from sparsetime.statistics.estimate import bootstrap_groups

Lengths: TypeAlias = Segments | Sequence[int] | Int[np.ndarray, " sequences"] | None

_EVEN = 1e-6  # steps of time may differ by this part of themselves


@final
@dataclass(frozen=True, eq=False)
class Sequences:
    """A code in order of time. Made by `in_sequences`, which checks it.

    code: of shape (rows,), on the CPU, without gradients. segments: the rows of
    each sequence. step: time from a step to the next, 1 where no times were given.
    """

    code: SparseCode
    segments: Segments
    step: float = 1.0

    @cached_property
    def columns(self) -> FeatureColumns:
        """The code turned on its side, for measures that go feature by feature."""
        return feature_columns(self.code)

    @cached_property
    def feature_of_column(self) -> Int[np.ndarray, " entries"]:
        """The feature of every entry of `columns`."""
        return self.columns.features

    @property
    def lengths(self) -> Int[np.ndarray, " sequences"]:
        return self.segments.numpy_lengths

    @cached_property
    def begins(self) -> Int[np.ndarray, " rows"]:
        """The first row of every row's sequence."""
        return np.repeat(self.segments.numpy_offsets[:-1], self.lengths)

    @cached_property
    def ends(self) -> Int[np.ndarray, " rows"]:
        """One past the last row of every row's sequence."""
        return np.repeat(self.segments.numpy_offsets[1:], self.lengths)

    @property
    def groups(self) -> int:
        return int(self.group_of_sequence.max(initial=0)) + 1

    @cached_property
    def group_of_sequence(self) -> Int[np.ndarray, " sequences"]:
        """The group that each sequence is resampled with; see `bootstrap_groups`."""
        return bootstrap_groups(len(self.lengths))

    @cached_property
    def group_of_row(self) -> Int[np.ndarray, " rows"]:
        return np.repeat(self.group_of_sequence, self.lengths)

    def with_code(self, code: SparseCode) -> Sequences:
        """The same sequences with another code of the same steps."""
        return Sequences(code, self.segments, self.step)


def in_sequences(
    code: SparseCode, lengths: Lengths = None, times: Real[np.ndarray, " rows"] | None = None
) -> Sequences:
    """The code's rows as sequences, in order of time.

    lengths: the segments of the rows, or the steps of each sequence. None reads them off the code's
    shape: one sequence where it is (time,), as many as the batch where it is (batch, time). times:
    the time of every row, for metrics in its unit.

    Errors: MismatchError where lengths or times are not those of the code's rows; DataError where
    there are no rows, times do not increase, or steps of time are uneven.
    """
    segments = lengths if isinstance(lengths, Segments) else _segments(code, lengths)
    if segments.rows != code.rows:
        raise MismatchError(
            f"got {segments.count} lengths that add up to {segments.rows:,}, expected lengths of "
            f"at least 0 that add up to the code's {code.rows:,} steps"
        )
    if code.rows == 0:
        raise DataError("the code has no steps, so there is nothing to measure over time")
    step = 1.0 if times is None else regular_step(times, segments.numpy_lengths)
    return Sequences(code.detach().to("cpu").reshape(code.rows), segments, step)


def _segments(
    code: SparseCode, lengths: Sequence[int] | Int[np.ndarray, " sequences"] | None
) -> Segments:
    if lengths is None:
        if len(code.shape) > 2:
            raise MismatchError(
                f"a code of shape {code.shape} does not say which axis is time; reshape it to "
                f"(batch, time), or give lengths="
            )
        return Segments.even(code.shape[0] if len(code.shape) == 2 else 1, code.shape[-1])
    steps = np.asarray(lengths, dtype=np.int64)
    if (steps < 0).any():
        raise MismatchError(
            f"got {len(steps)} lengths that add up to {int(steps.sum()):,}, expected lengths of at "
            f"least 0 that add up to the code's {code.rows:,} steps"
        )
    return Segments.of_lengths(steps)


def regular_step(times: Real[np.ndarray, " rows"], lengths: Int[np.ndarray, " sequences"]) -> float:
    """The time from each step to the next, which must be the same everywhere.

    Errors: MismatchError where there is not a time for every step; DataError where times are not
    finite, do not increase within a sequence, or leave uneven steps. Each names the place.
    """
    if len(times) != int(lengths.sum()):
        raise MismatchError(
            f"there are {len(times):,} times for {int(lengths.sum()):,} steps; give one each"
        )
    if not np.isfinite(times).all():
        raise DataError(f"the time of step {int(np.argmin(np.isfinite(times)))} is not finite")
    within = np.ones(max(len(times) - 1, 0), dtype=bool)
    cuts = np.cumsum(lengths)[:-1] - 1
    within[cuts[(cuts >= 0) & (cuts < len(within))]] = False
    gaps = np.diff(times)
    falls = within & (gaps <= 0)
    if falls.any():
        at = int(np.argmax(falls))
        raise DataError(
            f"times must increase within a sequence; step {at + 1} is at {times[at + 1]:.15g}, "
            f"after {times[at]:.15g}. Sort the steps by time, and drop repeated ones"
        )
    if not within.any():
        return 1.0
    usual = float(np.median(gaps[within]))
    uneven = within & (np.abs(gaps - usual) > _EVEN * usual + _rounding(times))
    if uneven.any():
        at = int(np.argmax(uneven))
        raise DataError(
            f"this measure needs regular sampling: most steps are {usual:g} apart, steps {at} and "
            f"{at + 1} are {gaps[at]:g} apart. Resample the series to an even step first"
        )
    return float(gaps[within].mean())  # rounding of single times cancels out


def _rounding(times: Real[np.ndarray, " rows"]) -> float:
    """How far a gap may be off because both of its times were rounded.

    It must stay small where times are large, such as seconds since 1970: else any gap would pass.
    """
    array = np.asarray(times)
    if not np.issubdtype(array.dtype, np.floating):
        return 0.0
    return 4 * float(np.spacing(np.abs(array).max()))


def in_steps(length: float | None, default: int, sequences: Sequences, what: str) -> int:
    """A length of time in steps: rounded, from the unit of the times that were given.

    None: the default, which is in steps.

    Errors: DataError for a length that rounds to no step.
    """
    if length is None:
        return default
    steps = round(length / sequences.step)
    if steps < 1:
        raise DataError(
            f"got {what} of {length:g}, expected at least 1 step of {sequences.step:g}; give it in "
            "the unit of the times, or in steps where there are none"
        )
    return steps


def check_lag(lag: int, sequences: Sequences, what: str = "a lag") -> None:
    """Errors: DataError for a lag below one, or that leaves no pair of steps in any sequence."""
    longest = int(sequences.lengths.max(initial=0))
    if lag < 1:
        raise DataError(f"got {what} of {lag}, expected at least 1 step")
    if lag >= longest:
        raise DataError(
            f"{what} of {lag} steps leaves no pairs: the longest sequence has {longest} steps. "
            f"Give one below {longest}, or longer sequences"
        )


def check_labels(name: str, labels: Sequence[object] | np.ndarray, rows: int) -> None:
    """Errors: MismatchError, by the label's name, where there is not one for every step."""
    if len(labels) != rows:
        raise MismatchError(
            f"the label {name!r} has {len(labels):,} entries and the code {rows:,} steps; give one "
            f"for every step, None where a step has none"
        )
