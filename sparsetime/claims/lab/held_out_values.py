"""Values measured on held-out rows: they are reported, and refuse to decide anything."""

from __future__ import annotations

import weakref
from typing import NoReturn, final

from torch import Tensor

from sparsetime.errors import DataError

#: Addresses of held-out rows, with the tensor that owns them: first byte, one past the last.
_RANGES: list[tuple[int, int, weakref.ref[Tensor]]] = []


def mark_held_out(rows: Tensor, owner: Tensor | None = None) -> Tensor:
    """Marks rows as held out, for as long as `owner`, whose memory they share, exists."""
    _RANGES[:] = [one for one in _RANGES if one[2]() is not None]
    start = rows.data_ptr()
    own = (start, start + rows.numel() * rows.element_size())
    if own not in [one[:2] for one in _RANGES]:
        _RANGES.append((*own, weakref.ref(rows if owner is None else owner)))
    return rows


def is_held_out(rows: Tensor) -> bool:
    """Whether the rows are held-out rows, or a slice of them; copies are not recognised."""
    at = rows.data_ptr()
    return any(low <= at < high and owner() is not None for low, high, owner in _RANGES)


@final
class HeldOutValue(float):
    """A value on held-out rows. Whatever compares or rounds it would choose by what is reported.

    Arithmetic gives plain numbers, and `float(value)` the number itself, for a report.

    Errors: DataError at every comparison and rounding.
    """

    def _refuse(self, *_: object) -> NoReturn:
        raise DataError(
            "got a value of held-out rows to choose a setting by, expected one of tuning rows; "
            "measure what decides on `tuning`, and report on `held_out`"
        )

    __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __round__ = __int__ = __trunc__ = __floor__ = __ceil__ = _refuse
