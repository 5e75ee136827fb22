"""Columns of feature tables in lists: values, ranges to filter by, text to search, order."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Bool, Float

from sparsetime.errors import ConfigError, unknown_name
from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.run_contents import ShownDictionary
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.features.column_definition import Role

#: Least and most value of a column, both included.
Ranges: TypeAlias = dict[str, tuple[float, float]]


class FeatureColumn(FrozenRecord):
    """A column that a list of features can be sorted, filtered or searched by."""

    name: Text
    table: Text  # the feature table that it is of; empty for the index's own
    dtype: Text
    unit: Text
    definition: Text
    source: Text
    role: Role
    sorts: bool  # whether it has an order, and a range to filter by
    least: float | None  # over the active features; None where there is no number
    most: float | None


def feature_columns(opened: RunCache, key: str) -> list[FeatureColumn]:
    """All columns of a dictionary's index and of its feature tables.

    Errors: UnknownNameError for a dictionary that the run does not show.
    """
    shown = opened.dictionary(key)
    table_of = {
        column.name: name for name, table in shown.tables.items() for column in table.definitions
    }
    columns = []
    for column in shown.columns.values():
        values = numbers(shown, column.name) if column.is_numeric else np.zeros(0)
        finite = values[np.isfinite(values)]
        columns.append(
            FeatureColumn(
                name=column.name,
                table=table_of.get(column.name, ""),
                dtype=column.dtype,
                unit=column.unit,
                definition=column.definition,
                source=column.source,
                role=column.role,
                sorts=column.is_numeric,
                least=float(finite.min()) if len(finite) else None,
                most=float(finite.max()) if len(finite) else None,
            )
        )
    return columns


def numbers(shown: ShownDictionary, name: str) -> Float[np.ndarray, " width"]:
    """A numeric column, float64; NaN where it has no value.

    Errors: UnknownNameError for a column that is not there or has no order.
    """
    sortable = [column.name for column in shown.columns.values() if column.is_numeric]
    if name not in sortable:
        raise unknown_name("numeric feature column", name, sortable)
    values = [np.nan if value is None else float(value) for value in shown.column(name).to_pylist()]
    return np.array(values, dtype=np.float64)


def within(shown: ShownDictionary, ranges: Ranges) -> Bool[np.ndarray, " width"]:
    """The features whose values lie in all of the ranges; none without a value does.

    Errors: UnknownNameError for a column that is not there or has no order.
    """
    fit = np.ones(shown.index.width, dtype=bool)
    for name, (least, most) in ranges.items():
        values = numbers(shown, name)
        fit &= (values >= least) & (values <= most)
    return fit


def parse_ranges(texts: list[str]) -> Ranges:
    """Ranges written as `column:least:most`; an empty bound is none.

    Errors: ConfigError for anything else.
    """
    ranges: Ranges = {}
    for text in texts:
        name, _, bounds = text.partition(":")
        least, colon, most = bounds.partition(":")
        try:
            if not colon:
                raise ValueError("no second colon")
            ranges[name] = (float(least or "-inf"), float(most or "inf"))
        except ValueError as error:
            raise ConfigError(
                f"got the range {text!r}, expected column:least:most, such as score:0.5: or "
                f"score:0:1"
            ) from error
    return ranges


def searched_text(shown: ShownDictionary, feature: int) -> str:
    """All text of a feature in the added tables, for a search."""
    texts: list[str] = []
    for name in _added(shown):
        value = shown.column(name)[feature].as_py()
        if shown.columns[name].is_text and value:
            texts += value if isinstance(value, list) else [value]
    return " ".join(texts)


def added_values(shown: ShownDictionary, feature: int) -> dict[str, Any]:
    """The values of a feature in the added tables, as JSON holds them."""
    return {name: _plain(shown.column(name)[feature].as_py()) for name in _added(shown)}


def _added(shown: ShownDictionary) -> list[str]:
    return [column.name for table in shown.tables.values() for column in table.definitions]


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value
