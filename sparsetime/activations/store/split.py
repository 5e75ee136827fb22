"""Splits of a store's sequences: by document, and by time within each."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from sparsetime import seeds
from sparsetime.activations.capture.document import Label
from sparsetime.errors import ConfigError, DataError, unknown_name

_GAP = 0.1  # of the held-out steps, where no gap is given


def check_share(held_out: float) -> None:
    """Errors: ConfigError where the share is not within 0 and 1."""
    if not 0 < held_out < 1:
        raise ConfigError(f"got held_out={held_out}, expected a share between 0 and 1")


def by_document(
    count: int, held_out: float, seed: int
) -> tuple[Int[np.ndarray, " train"], Int[np.ndarray, " held_out"]]:
    """Places of the sequences of both parts, each ascending and with at least one."""
    chosen = seeds.numpy_generator(seed, "held-out split").permutation(count)
    size = min(max(round(held_out * count), 1), count - 1)
    return np.sort(chosen[size:]), np.sort(chosen[:size])


def by_labels(
    sequences: pa.Table, labels: Mapping[str, Label], where: str
) -> Int[np.ndarray, " places"]:
    """Places of the sequences whose labels have these values.

    Errors: UnknownNameError for a label that no sequence has; DataError where none has the values.
    """
    by_sequence = [json.loads(text) for text in sequences["labels"].to_pylist()]
    names = {name for own in by_sequence for name in own}
    for name in labels:
        if name not in names:
            raise unknown_name("sequence label", name, names)
    places = [i for i, own in enumerate(by_sequence) if labels.items() <= own.items()]
    if not places:
        requested = ", ".join(f"{name}={value!r}" for name, value in labels.items())
        raise DataError(
            f"none of the {len(by_sequence):,} sequences of {where} has {requested}; look at "
            "store.sequences for the labels they have"
        )
    return np.array(places, dtype=np.int64)


def by_time(
    table: pa.Table, places: Int[np.ndarray, " n"], held_out: float, gap: int | None
) -> tuple[pa.Table, pa.Table, Int[np.ndarray, " kept"]]:
    """Sequence tables of both parts, and the sequences that are long enough for both.

    Of T steps the last round(held_out T) are held out, the `gap` steps before them belong to no
    part, and the first ones are for training. None: a tenth as many as are held out, at least 1.

    Errors: ConfigError for a negative gap; DataError where no sequence is long enough.
    """
    if gap is not None and gap < 0:
        raise ConfigError(f"got gap={gap}, expected a number of steps from 0 on")
    length = table["length"].to_numpy()
    out = np.maximum(np.round(held_out * length).astype(np.int64), 1)
    between = np.maximum(np.round(_GAP * out).astype(np.int64), 1) if gap is None else gap
    first = length - out - between
    kept = places[first[places] >= 1]
    if not len(kept):
        longest = int(length[places].max(initial=0))
        raise DataError(
            f"got sequences of at most {longest} steps, which leave none for training beside "
            f"held_out={held_out} and a gap of {'a tenth of it' if gap is None else gap}; give a "
            "smaller gap or longer recordings"
        )
    return _cut(table, np.zeros_like(length), first), _cut(table, length - out, out), kept


def _cut(
    table: pa.Table, begin: Int[np.ndarray, " sequences"], steps: Int[np.ndarray, " sequences"]
) -> pa.Table:
    """The table with sequences that begin later and have as many steps; others as they were."""
    changed = {
        "length": np.where(steps >= 1, steps, table["length"].to_numpy()),
        "start": table["start"].to_numpy() + begin * table["step"].to_numpy(),
        "first_row": table["first_row"].to_numpy() + begin,
    }
    for name, values in changed.items():
        at = table.schema.get_field_index(name)
        table = table.set_column(at, table.field(at), pa.array(values, table.field(at).type))
    return table
