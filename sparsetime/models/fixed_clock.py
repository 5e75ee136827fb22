"""Clocks of models that take inputs of one length, whose rate no other length can confirm."""

from __future__ import annotations

import math

from sparsetime.errors import ConfigError, MismatchError
from sparsetime.models.receptive_field import LocalRows
from sparsetime.models.row_clock import RowClock

_UNEVEN = 0.1  # of the rows: how far a rate may be from the shapes, for rows lost at the edges
_FEW = 2


def clock_of_one_length(
    length: int, count: int, leading: int, local: LocalRows | None, site: str
) -> RowClock:
    """The clock of `count` rows for `length` input steps, by what they read where that is known.

    leading: rows that no part of the input gives. Without `local`, each row stands for as many
    steps as there are for each.

    Errors: MismatchError where that is no whole number.
    """
    if local is not None:
        times = (count - local.leading) // local.rows_a_time
        return RowClock(
            step=float(local.step),
            offset=local.centre - local.step / 2,
            first=float(length - local.step * (times - 1)),
            leading=local.leading,
            grid=grid_of(local.rows_a_time),
            fixed=length,
        )
    times = count - leading
    if times < 1 or length % times:
        raise MismatchError(
            f"got {count} rows from the site {site!r} for the {length} input steps that the model "
            "takes, expected a whole number of input steps a row; give rate= and offset=, the rows "
            "a unit of time and the time of the first"
        )
    step = float(length // times)
    return RowClock(step, 0.0, step, leading, fixed=length)


def clock_of_rate(length: int, count: int, leading: int, step: float, site: str) -> RowClock:
    """The clock of `count` rows for `length` input steps, of which a row stands for `step`.

    Errors: ConfigError where the rows are others than that rate gives.
    """
    times = length / step
    a_time = max(1, round((count - leading) / times)) if times >= 1 else 1
    found, left = divmod(count - leading, a_time)
    if found < 1 or left or abs(found - times) > max(_FEW, _UNEVEN * times):
        raise ConfigError(
            f"got a rate of one row for {step:g} input steps, which is {times:.4g} rows for "
            f"{length}, and the site {site!r} gives {count}; give the rate that it has"
        )
    first = length - step * (found - 1)
    return RowClock(step, (first - step) / 2, first, leading, grid=grid_of(a_time), fixed=length)


def grid_of(places: int) -> tuple[int, ...]:
    """Places as a square where they are one, as patches of a picture; else in a row; () for one."""
    if places == 1:
        return ()
    side = math.isqrt(places)
    return (side, side) if side * side == places else (places,)
