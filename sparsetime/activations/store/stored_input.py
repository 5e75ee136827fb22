"""StoredInput: what the model was given for one sequence, at its own rate, read by segments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from sparsetime.activations.store.input_files import SlicedArray
from sparsetime.errors import DamagedError, DataError

if TYPE_CHECKING:
    from sparsetime.activations.store.store_reader import StoreReader


@final
class StoredInput:
    """The input of one sequence: what is recorded of it, and its values where they were kept.

    length: its steps. start, step: of its times, in `unit`; where they are not evenly spaced, the
    first and the mean distance, and `uneven_times` holds all, else None. rate: steps a second,
    where it was given. channels, channel_units: names and units of its features. recorded: the
    date, ISO 8601. is_kept: whether `values` can be read; of a text they cannot, which the store
    keeps as text.
    """

    def __init__(self, reader: StoreReader, index: int, row: Mapping[str, Any]) -> None:
        self.length: int = row["input_length"]
        self.start: float = row["input_start"]
        self.step: float = row["input_step"]
        times = row.get("input_times")
        self.uneven_times: NDArray[np.float64] | None = None if times is None else np.array(times)
        self.unit: str = row["unit"]
        self.rate: float | None = row["rate"]
        self.channels: tuple[str, ...] = tuple(row["channels"])
        self.channel_units: tuple[str, ...] = tuple(row["channel_units"])
        self.recorded: str = row["recorded"]
        self._reference = json.loads(row.get("input") or "null")
        self.is_kept: bool = self._reference is not None
        self._reader, self._index, self._id = reader, index, row["id"]

    @property
    def times(self) -> NDArray[np.float64]:
        """The time of each of its steps, [length]."""
        if self.uneven_times is not None:
            return self.uneven_times
        return self.start + self.step * np.arange(self.length, dtype=np.float64)

    @property
    def shape(self) -> tuple[int, ...]:
        """[time, ...] of the values. Errors: those of `values`."""
        shape = tuple(self._array.shape)
        return shape if len(shape) > 1 else (*shape, 1)

    def steps_between(self, start: float, stop: float) -> tuple[int, int]:
        """First step and one past the last of those that begin from `start` to before `stop`."""
        if self.uneven_times is not None:
            first, last = np.searchsorted(self.uneven_times, [start, stop]).tolist()
            return first, max(first, last)
        edges = (np.array([start, stop]) - self.start) / self.step
        first, last = np.clip(np.ceil(edges - 1e-9), 0, self.length).astype(int).tolist()
        return first, max(first, last)

    def values(self, first: int = 0, stop: int | None = None) -> np.ndarray:
        """Its steps `first` to `stop` (exclusive), [time, ...], in the dtype that was given.

        Values of one feature and tokens are [time, 1].

        Errors: DataError where the input was not kept, or for steps that it does not have;
        StoreError and DamagedError where it is in a file that is missing or was changed.
        """
        stop = self.length if stop is None else stop
        if not 0 <= first <= stop <= self.length:
            raise DataError(
                f"steps {first} to {stop} are not within the {self.length:,} input steps of "
                f"{self._id!r}"
            )
        values = np.asarray(self._array[first:stop])
        return values if values.ndim > 1 else values[:, None]

    @cached_property
    def _array(self) -> SlicedArray:
        if self._reference is None:
            raise DataError(
                f"the input of {self._id!r} was not kept; capture with keep_input=True, on the "
                "command line --keep-input"
            )
        array = self._reader.open_input(self._index, self._reference)
        if array.shape[0] != self.length:
            raise DamagedError(
                f"the input of {self._id!r} has {array.shape[0]:,} steps, and the store counts "
                f"{self.length:,}; capture again with force=True"
            )
        return array
