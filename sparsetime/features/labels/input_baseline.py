"""The input of each row as numbers, with which labels are compared beside features."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from sparsetime.errors import DamagedError, DataError, StoreError

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.activations.store.stored_input import StoredInput

MOST_NUMBERS = 1024  #: of a step of the input
MOST_TOKENS = 256  #: different ones, each a number 0 or 1
_SIDE = 16  # places of a frame along an axis, of which larger ones are averaged
_AT_ONCE = 1 << 22  # numbers that are read together

InputReader = Callable[[Int[np.ndarray, " rows"]], Float[np.ndarray, "rows numbers"]]


def input_numbers(view: Store) -> InputReader | str:
    """What reads the kept inputs of some rows of a view, as numbers; or why there is nothing.

    The numbers of a row are the mean of its input steps (channels, or places and colours of a
    frame, of which large ones are averaged over 16 by 16 blocks) and, where it covers several
    steps, their standard deviation, such as the loudness of a sound. Tokens of an alphabet of up
    to 256 become 0 or 1 each.
    """
    if not len(view.sequence_indices):
        return "there are no recordings"
    first = view.sequence(0).input
    if first is None or not first.is_kept:
        return "the store keeps no inputs (sparsetime capture --keep-input)"
    try:
        shape = first.shape[1:]
    except (StoreError, DamagedError) as error:
        return str(error)
    if len(shape) != 3 and np.prod(shape) > MOST_NUMBERS:
        return f"a step of the input has {np.prod(shape):,} numbers, more than {MOST_NUMBERS:,}"
    tokens = _alphabet(view) if "token" in view.reader.step_columns() else None
    if tokens is not None and len(tokens) > MOST_TOKENS:
        return f"the input has {len(tokens):,} different tokens, more than {MOST_TOKENS}"
    begins = view.segments.numpy_offsets
    longest = max(view.sequence(0).durations, default=0.0)
    several = bool(longest > 1.5 * first.step)  # input steps a row
    try:
        width = _numbers(first, np.zeros(1, int), np.ones(1, int), tokens, several).shape[1]
    except (DataError, StoreError, DamagedError) as error:
        return str(error)

    def read(rows: Int[np.ndarray, " rows"]) -> Float[np.ndarray, "rows numbers"]:
        values = np.full((len(rows), width), np.nan)
        place = np.searchsorted(begins, rows, side="right") - 1
        for one in np.unique(place):
            stored = view.sequence(int(one))
            kept = stored.input
            if kept is None or not kept.is_kept or kept.shape[1:] != shape:
                continue
            own = place == one
            steps = rows[own] - begins[one]
            begin = stored.times[steps]
            a, b = _steps_between(kept, begin, begin + stored.durations[steps])
            values[own] = _numbers(kept, a, b, tokens, several)
        return values

    return read


def _steps_between(
    kept: StoredInput, begin: Float[np.ndarray, " rows"], end: Float[np.ndarray, " rows"]
) -> tuple[Int[np.ndarray, " rows"], Int[np.ndarray, " rows"]]:
    """`StoredInput.steps_between` of many rows; at least one step each."""
    times = np.stack([begin, end])
    if kept.uneven_times is not None:
        first, stop = np.searchsorted(kept.uneven_times, times)
    else:
        first, stop = np.ceil((times - kept.start) / kept.step - 1e-9).astype(np.int64)
    first = first.clip(0, kept.length - 1)
    return first, stop.clip(first + 1, kept.length)


def _alphabet(view: Store) -> Int[np.ndarray, " tokens"]:
    return np.unique(view.steps(["token"])["token"].to_numpy())


def _numbers(
    kept: StoredInput,
    first: Int[np.ndarray, " rows"],
    stop: Int[np.ndarray, " rows"],
    tokens: Int[np.ndarray, " tokens"] | None,
    several: bool,
) -> Float[np.ndarray, "rows numbers"]:
    """Mean of the steps of each row and, with `several`, their standard deviation."""
    size = int(np.prod(kept.shape[1:]))
    last = np.maximum.accumulate(stop)
    parts, at = [], 0
    while at < len(first):  # rows whose steps are read together
        most = first[at] + max(1, _AT_ONCE // size)
        end = at + max(1, int(np.searchsorted(last[at:], most, side="right")))
        low, high = int(first[at:end].min()), int(stop[at:end].max())
        values = _flat(kept.values(low, high), tokens)
        edges = np.stack([first[at:end], stop[at:end]], axis=1).reshape(-1) - low
        count = (stop - first)[at:end, None]
        # One more step of zeros, since the last edge is the end.
        padded = np.concatenate([values, np.zeros((1, values.shape[1]))])
        mean = np.add.reduceat(padded, edges)[::2] / count
        square = np.add.reduceat(padded**2, edges)[::2] / count
        sd = np.sqrt(np.maximum(square - mean**2, 0))
        parts.append(np.concatenate([mean, sd], axis=1) if several else mean)
        at = end
    return np.concatenate(parts)


def _flat(
    values: np.ndarray, tokens: Int[np.ndarray, " tokens"] | None
) -> Float[np.ndarray, "steps numbers"]:
    if tokens is not None:
        equal: np.ndarray = np.equal(values.reshape(-1, 1), tokens)
        return np.asarray(equal, dtype=np.float64)
    values = values.astype(np.float64)
    if values.ndim == 4:
        for axis in (1, 2):
            starts = np.unique(np.linspace(0, values.shape[axis], _SIDE + 1).astype(int)[:-1])
            sizes = np.diff([*starts, values.shape[axis]])
            shape = [-1 if n == axis else 1 for n in range(4)]
            values = np.add.reduceat(values, starts, axis=axis) / sizes.reshape(shape)
    return values.reshape(len(values), -1)
