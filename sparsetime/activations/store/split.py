"""Splits of a store into a part for training and a held-out part: by sequence, group or time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from sparsetime import seeds
from sparsetime.activations.capture.document import Label
from sparsetime.errors import ConfigError, DataError, unknown_name

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store

_GAP = 0.1  # of the held-out steps, where no gap is given


WAYS = ("sequence", "group", "time")


class Split(NamedTuple):
    """Two views of a store without a common step. Each view's `note` says what it holds."""

    train: Store
    held_out: Store

    @property
    def description(self) -> str:
        """What was split how, in words."""
        return f"{self.train.note}; {self.held_out.note}"


def split(
    store: Store,
    by: str | None = None,
    *,
    label: str | None = None,
    groups: Sequence[Label] | None = None,
    held_out: float = 0.1,
    gap: int | None = None,
    seed: int = 0,
) -> Split:
    """Split a store in two: (train, held out), each in order, without a common step.

    by: "sequence" draws the share `held_out` of the sequences, at least one.
    "group" draws that share of the groups, at least one: all sequences with one value of the
    sequence label `label`, such as one subject, are on one side. `groups` names those that are held
    out instead (one of them: leave one subject out).
    "time" holds out the last share of the steps of every sequence; the `gap` steps before them
    belong to no part, since neighbouring steps are alike. None: a tenth as many as are held out, at
    least 1. Sequences that are too short for it are left out.
    None: "sequence", or "time" where there is one sequence alone. `description` says which it was,
    and so does the `note` of both views, which `st.evaluate` writes beside its metrics.

    Errors: ConfigError for settings that are out of range or belong to another way; DataError where
    there are too few sequences, groups or steps, or a sequence lacks the label.
    """
    if not 0 < held_out < 1:
        raise ConfigError(f"got held_out={held_out}, expected a share between 0 and 1")
    given = {"label": label, "groups": groups, "gap": gap}
    way = by or ("group" if label is not None else None)
    way = way or ("sequence" if len(store.sequence_indices) > 1 and gap is None else "time")
    if way not in WAYS:
        raise unknown_name("way to split", way, WAYS)
    allowed = {"group": {"label", "groups"}, "time": {"gap"}}.get(way, set())
    for name, value in given.items():
        if value is not None and name not in allowed:
            raise ConfigError(f"got {name}={value!r} for a split by {way}, which does not use it")
    if way == "time":
        return _time_split(store, held_out, gap)
    if way == "group":
        return _group_split(store, label, groups, held_out, seed)
    count = len(store.sequence_indices)
    if count < 2:
        raise DataError(
            f"got {count} sequence{'' if count == 1 else 's'} to split by sequence, expected at "
            "least two; split one recording by='time'"
        )
    chosen = seeds.numpy_generator(seed, "held-out split").permutation(count)
    size = min(max(round(held_out * count), 1), count - 1)
    what = f"of {count:,} sequences, drawn with seed {seed}"
    return Split(
        store.of_sequences(np.sort(chosen[size:]), f"trained on {count - size:,} {what}"),
        store.of_sequences(np.sort(chosen[:size]), f"held out: {size:,} {what}"),
    )


def _time_split(store: Store, held_out: float, gap: int | None) -> Split:
    places = store.sequence_indices
    train, rest, kept = by_time(store.whole_table, places, held_out, gap)
    between = "a tenth as many" if gap is None else f"{gap:,}"
    short = len(places) - len(kept)
    what = f"{held_out:.0%} of the steps of {_counted(len(kept))}" + (
        f" ({short:,} too short for it are left out)" if short else ""
    )
    before = f"trained on all before the last {what} and a gap of {between}"
    return Split(
        store.view(kept, train, before),
        store.view(kept, rest, f"held out: the last {what}, after a gap of {between}"),
    )


def _counted(sequences: int) -> str:
    return "one sequence" if sequences == 1 else f"{sequences:,} sequences"


def _group_split(
    store: Store, label: str | None, groups: Sequence[Label] | None, held_out: float, seed: int
) -> Split:
    if label is None:
        raise ConfigError("got by='group' without label=, expected a label of the sequences")
    own = groups_of(store, label)
    values = sorted(set(own), key=str)
    if len(values) < 2:
        raise DataError(
            f"got {label}={values[0]!r} for all {len(own)} sequences, expected at least two groups"
        )
    if groups is None:
        order = seeds.numpy_generator(seed, "held-out split").permutation(len(values))
        size = min(max(round(held_out * len(values)), 1), len(values) - 1)
        out = {values[n] for n in order[:size]}
    else:
        out = set(groups)
        unknown = [value for value in groups if value not in values]
        if unknown:
            raise unknown_name(f"value of {label}", str(unknown[0]), map(str, values))
        if not out or len(out) == len(values):
            raise ConfigError(
                f"got groups={list(groups)!r} of {len(values)} groups, expected some and not all"
            )
    is_out = np.array([value in out for value in own])
    named = ", ".join(map(str, sorted(out, key=str)[:5])) + (", …" if len(out) > 5 else "")
    counts = f"{len(out)} of {len(values)} groups, {int(is_out.sum()):,} of {len(own):,} sequences"
    return Split(
        store.of_sequences(np.flatnonzero(~is_out), f"trained on all but {label} {named}"),
        store.of_sequences(np.flatnonzero(is_out), f"held out: {label} {named} ({counts})"),
    )


def groups_of(store: Store, label: str) -> list[Label]:
    """The value of a label for every sequence of a view.

    Errors: UnknownNameError for a label that none has; DataError naming the first that lacks it.
    """
    own = [json.loads(text).get(label) for text in store.sequences["labels"].to_pylist()]
    if all(value is None for value in own):
        raise unknown_name("sequence label", label, _label_names(store.sequences))
    lacking = [n for n, value in enumerate(own) if value is None]
    if lacking:
        raise DataError(
            f"got {len(lacking)} of {len(own)} sequences without the label {label!r}, the first "
            f"{store.sequences['id'][lacking[0]].as_py()!r}; label them, or leave them out with "
            "store.where(...)"
        )
    return own


def _label_names(sequences: pa.Table) -> set[str]:
    return {name for text in sequences["labels"].to_pylist() for name in json.loads(text)}


def by_labels(
    sequences: pa.Table, labels: Mapping[str, Label], where: str
) -> Int[np.ndarray, " places"]:
    """Places of the sequences whose labels have these values.

    Errors: UnknownNameError for a label that no sequence has; DataError where none has the values.
    """
    by_sequence = [json.loads(text) for text in sequences["labels"].to_pylist()]
    names = _label_names(sequences)
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


def cut_sequences(
    store: Store, numbers: Int[np.ndarray, " n"], spans: Int[np.ndarray, "n 2"]
) -> Store:
    """The same view with some sequences cut: first row and one past the last, in the whole store.

    numbers: of the sequences, in the whole store.

    Errors: DataError where a sequence of `store` does not hold these rows.
    """
    table = store.whole_table
    held = numbers < table.num_rows
    begin, steps = np.zeros((2, table.num_rows), dtype=np.int64)
    begin[numbers[held]] = spans[held, 0] - table["first_row"].to_numpy()[numbers[held]]
    steps[numbers[held]] = spans[held, 1] - spans[held, 0]
    within = (begin >= 0) & (begin + steps <= table["length"].to_numpy())
    if not (within | ~np.isin(np.arange(len(within)), store.sequence_indices)).all():
        raise DataError(
            f"got a view of {store.path} that lacks steps of the parts of sequences that are asked "
            "for; give the whole store"
        )
    begin[~within] = steps[~within] = 0
    return store.view(store.sequence_indices, _cut(table, begin, steps))


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
