"""All conditions of a store's steps: text, labels, earlier steps, place, landmarks and values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Bool, Int

from sparsetime.explanations.conditions.condition import (
    FLAGS,
    Condition,
    before,
    category,
    number,
    repeated,
)
from sparsetime.explanations.conditions.input_conditions import input_conditions
from sparsetime.explanations.conditions.text_conditions import (
    SHAPE,
    SINCE,
    TOKEN,
    landmark,
    landmarks,
    steps_since,
    token_conditions,
)
from sparsetime.features.labels.label_column import label_column
from sparsetime.features.labels.stored_label import StoredLabel, read_labels

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store

POSITION = "position"
_PLACES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0)
_MOST_EARLIER = 64  # values of a label that is also read at earlier steps
_DISTANCES = (2.0, 3.0, 5.0, 9.0, 17.0, 33.0, 65.0)
_MOST_BEGINNINGS = 12  # values of a label whose beginnings are landmarks, without tokens


@final
@dataclass(frozen=True, eq=False)
class StepConditions:
    """The conditions of the rows of a view, one sequence after another.

    conditions: all of the same rows. begins: int64 [sequences + 1], the first row of each sequence.
    """

    conditions: tuple[Condition, ...]
    begins: Int[np.ndarray, " sequences_plus_1"]

    @cached_property
    def by_name(self) -> dict[str, Condition]:
        return {condition.name: condition for condition in self.conditions}

    @cached_property
    def codes(self) -> Int[np.ndarray, "conditions rows"]:
        """The values of all conditions, int32, contiguous."""
        return np.stack([condition.code for condition in self.conditions])

    def condition(self, name: str) -> Condition | None:
        """The condition of that name; of a token that is no landmark here, steps since it.

        None where the steps have no such condition.
        """
        if name not in self.by_name and name.startswith(SINCE) and self.token is not None:
            return landmark(self.token, name.removeprefix(SINCE), self.begins)
        return self.by_name.get(name)

    @property
    def token(self) -> Condition | None:
        """The condition that says the token; None without tokens."""
        return self.by_name.get(TOKEN)


def step_conditions(
    view: Store,
    choosing: Bool[np.ndarray, " rows"] | None = None,
    labels: Sequence[str] | None = None,
) -> StepConditions:
    """Read everything that a predicate may name of the steps of a view.

    choosing: rows that set the bins of numbers, the choice of landmarks and the values that may be
    named; None, to execute rules: all. labels: names of labels to read; None: all. Memory is about
    4 bytes a step and condition.

    Nothing that comes after a step is read, but by labels that say more, such as those of syntax.
    """
    begins = view.segments.numpy_offsets
    rows = np.ones(begins[-1], dtype=bool) if choosing is None else choosing
    own = [
        *token_conditions(view),
        *(_of_label(label, rows) for label in read_labels(view, labels)),
    ]
    if choosing is not None:
        own = [repeated(condition, rows, begins) for condition in own]
    found = [*own, *input_conditions(view, rows)]
    for condition in own:
        if condition.is_ordered or condition.background:
            continue
        if condition.name in (TOKEN, SHAPE) or condition.size <= _MOST_EARLIER:
            found += [before(condition, begins, lag) for lag in (1, 2)]
    place = np.arange(begins[-1]) - np.repeat(begins[:-1], np.diff(begins))
    found.append(number(POSITION, place, _PLACES))
    if own and own[0].name == TOKEN:
        found += landmarks(own[0], begins, rows)
    else:
        found += _beginnings(own, begins)
    return StepConditions(tuple(found), begins)


def _of_label(label: StoredLabel, choosing: Bool[np.ndarray, " rows"]) -> Condition:
    if label.number is not None:
        column = label_column(label, choosing)
        edges = () if column is None or column.edges is None else column.edges[1:-1].tolist()
        return number(label.name, label.number, tuple(edges))
    assert label.code is not None
    if label.values and all(value.lstrip("-").isdigit() for value in label.values):
        values = np.array([*map(float, label.values), np.nan])[label.code]
        steps = np.unique(values[np.isfinite(values)])
        return number(label.name, values, tuple((steps[1:] - 0.5).tolist()))
    return category(label.name, label.code, label.values, label.background)


def _beginnings(
    own: Sequence[Condition], begins: Int[np.ndarray, " sequences_plus_1"]
) -> list[Condition]:
    """Steps since each value of each label began, of labels with few values."""
    found = []
    for condition in own:
        if condition.is_ordered or condition.size > _MOST_BEGINNINGS:
            continue
        begun = condition.code != np.concatenate([[-2], condition.code[:-1]])
        begun[begins[:-1][begins[:-1] < len(begun)]] = True
        flag = condition.background or condition.values == FLAGS
        for value in range(1 if flag else 0, condition.size):
            here = begun & (condition.code == value)
            name = f"{SINCE}{condition.name} {condition.values[value]}"
            found.append(number(name, steps_since(here, begins), _DISTANCES))
    return found
