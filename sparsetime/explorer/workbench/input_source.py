"""InputSource: what the model read for one sequence, with its place on the time axis of the rows.

The store keeps it where it was captured with its inputs; `save_inputs` puts it beside a run of
another store. Both are read a segment at a time.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from sparsetime.errors import DamagedError
from sparsetime.explorer.step_units import row_clock
from sparsetime.files import Folder

if TYPE_CHECKING:
    from sparsetime.activations.store.stored_sequence import StoredSequence

INPUTS = "inputs.safetensors"
VERSION = 1  # schema of that file
_EXACT = 1e-6  # of a step; times are not exact in binary
_LEAST_SOUND = 3000.0  # steps a second, below which browsers play no sound


@final
@dataclass(frozen=True)
class InputSource:
    """The input of one sequence.

    shape: [time, ...]. read: its steps from one to another, exclusive. channels, units: of its
    features, in order; empty where they have no names. rate: its steps a second; None where time
    is in another unit. begin: where its first step begins on the axis of the rows, whose row i
    lasts from i to i + 1. per_row: how many of its steps a row lasts.
    """

    shape: tuple[int, ...]
    read: Callable[[int, int], np.ndarray]
    channels: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    rate: float | None = None
    begin: float = 0.0
    per_row: float = 1.0

    @property
    def is_series(self) -> bool:
        """Whether a step is one number or a list of them."""
        return len(self.shape) <= 2

    @property
    def is_sound(self) -> bool:
        """Whether it can be heard: one channel or two, at 3,000 steps a second and more."""
        few = len(self.shape) == 1 or self.shape[1:] in ((1,), (2,))
        return self.rate is not None and self.rate >= _LEAST_SOUND and few

    def steps_of(self, first: float, stop: float) -> tuple[int, int]:
        """First step and one past the last of those that begin in the rows `first` to `stop`."""
        edges = [math.ceil((row - self.begin) * self.per_row - _EXACT) for row in (first, stop)]
        a, b = (min(max(edge, 0), self.shape[0]) for edge in edges)
        return a, max(a, b)

    def row_of(self, step: float) -> float:
        """Where one of its steps begins on the axis of the rows."""
        return self.begin + step / self.per_row


def input_source(
    folder: Folder, stored: StoredSequence, are_tokens: bool = False
) -> InputSource | None:
    """The input of a sequence of the store, kept by it or beside the run; None where it is not.

    are_tokens: whether the store kept numbers of tokens, which measure nothing and are no input.

    Errors: StoreError and DamagedError where what is kept cannot be read.
    """
    kept = stored.input
    if kept is None or not kept.is_kept or are_tokens:
        return _saved(folder, stored.index, len(stored))
    start, step = row_clock(stored)
    shape = kept.shape
    return InputSource(
        shape=shape,
        read=kept.values,
        channels=kept.channels,
        units=kept.channel_units,
        rate=kept.rate or (1 / kept.step if kept.unit in ("s", "second", "seconds") else None),
        begin=(kept.start - start) / step,
        per_row=step / kept.step,
    )


def _saved(folder: Folder, sequence: int, length: int) -> InputSource | None:
    """What `save_inputs` of 0.1.0 kept of a sequence, a step a row."""
    from safetensors import SafetensorError, safe_open

    if not (folder.is_local and folder.exists(INPUTS)):
        return None
    name = str(sequence)
    path = folder.verified_path(INPUTS, VERSION, "Capture again with keep_input=True")

    def read(first: int, stop: int) -> np.ndarray:
        with safe_open(path, "numpy") as file:
            return np.asarray(file.get_slice(name)[first:stop])

    try:
        with safe_open(path, "numpy") as file:
            if name not in file.keys():  # noqa: SIM118  it is no mapping
                return None
            shape = tuple(file.get_slice(name).get_shape())
            channels = tuple(map(str, json.loads((file.metadata() or {}).get("channels", "[]"))))
    except (SafetensorError, ValueError, OSError) as error:
        raise DamagedError(f"{folder.url}/{INPUTS} cannot be read: {error}") from error
    if shape[0] != length:
        raise DamagedError(
            f"{folder.url}/{INPUTS} has {shape[0]} steps of sequence {sequence}, and the store "
            f"{length}; capture again with keep_input=True"
        )
    return InputSource(shape=shape, read=read, channels=() if len(shape) > 2 else channels)
