"""Halves of an index: one chooses (labels, rules), every number shown is from the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Int

from sparsetime import seeds
from sparsetime.errors import DataError

_BLOCKS = 16  # of one recording
_SHORTEST = 16  # steps of a block
_GAP = 8  # the first 1/8 of a block is left out


@final
@dataclass(frozen=True)
class Halves:
    """Rows that choose, rows that score, and the unit that each scoring row belongs to.

    choosing, scoring: bool [rows], without a common row. unit: int64 [rows], what the null
    exchanges: the place of the row's recording; 0 for one recording, which the null only shifts.
    text: how the halves were made.
    """

    choosing: Bool[np.ndarray, " rows"]
    scoring: Bool[np.ndarray, " rows"]
    unit: Int[np.ndarray, " rows"]
    text: str


def halves(
    lengths: Int[np.ndarray, " recordings"],
    labels: Mapping[str, list[Any]],
    seed: int,
    what: str = "label and threshold",
) -> Halves:
    """Half of the recordings to choose on, the others to score on.

    Recordings are ordered by their labels, and one of each two neighbours, at random, is in either
    half, so that both halves hold the values that several recordings have. One recording is cut
    into 16 blocks of time that take turns; the first eighth of each block belongs to neither, since
    neighbouring steps are alike. Recordings without steps do not count. what: the name that `text`
    has for what is chosen.

    Errors: DataError for one recording of fewer than 256 steps.
    """
    rng = seeds.numpy_generator(seed, "halves of a label association")
    filled = np.flatnonzero(lengths)
    count = len(filled)
    recording = np.repeat(np.arange(len(lengths)), lengths)
    if count > 1:
        noise = rng.random(count)
        keys = [tuple(str(values[i]) for values in labels.values()) for i in filled.tolist()]
        order = sorted(range(count), key=lambda i: (keys[i], noise[i]))
        first = rng.integers(0, 2, size=(count + 1) // 2)
        chooses = np.zeros(len(lengths), dtype=bool)
        chooses[filled[order]] = (np.arange(count) + first[np.arange(count) // 2]) % 2 == 0
        text = (
            f"{what} chosen on {chooses.sum()} recordings, numbers from "
            f"{count - chooses.sum()} others"
        )
        return Halves(chooses[recording], ~chooses[recording], recording, text)
    steps = int(lengths.sum())
    block = steps // _BLOCKS
    if block < _SHORTEST:
        raise DataError(
            f"got one recording of {steps} steps, expected at least {_BLOCKS * _SHORTEST} to "
            f"choose on some blocks of time and score on others; index more recordings"
        )
    row = np.arange(steps)
    kept = (row % block >= block // _GAP) & (row < block * _BLOCKS)
    even = (row // block + int(rng.integers(0, 2))) % 2 == 0
    text = (
        f"one recording: {what} chosen on {_BLOCKS // 2} blocks of time, numbers from the "
        f"{_BLOCKS // 2} between them, with a gap of {block // _GAP} steps"
    )
    return Halves(kept & even, kept & ~even, np.zeros(steps, dtype=np.int64), text)
