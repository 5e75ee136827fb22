"""Label tables: a row a recording, with its `id` and its labels."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, final

from sparsetime.activations.annotations.table_file import AnnotationTable, TableLike, read_table
from sparsetime.errors import DataError, closest

ID = "id"


@final
class LabelTable:
    """Labels of recordings by id. A missing cell gives its recording no label of that name.

    Errors: DataError, with the table and the row, for an id that is missing or comes twice, and for
    a cell that is no text, number or truth value.
    """

    def __init__(self, source: TableLike) -> None:
        self._table = read_table(source, "the labels")
        self._table.require(ID)
        names = [name for name in self._table.columns if name != ID]
        if not names:
            raise DataError(
                f"got {self._table.name} with the column id alone, expected at least one label "
                "beside it"
            )
        self._row_of: dict[str, int] = {}
        self._labels: dict[str, dict[str, Any]] = {}
        for number, row in enumerate(self._table.table.to_pylist()):
            name = row[ID]
            if name is None:
                raise DataError(f"{self._table.where(number)} has no id; name its recording")
            if name in self._row_of:
                raise DataError(
                    f"{self._table.where(number)} labels {name!r}, which row "
                    f"{self._row_of[name] + 1} labels too; keep one of them"
                )
            self._row_of[name] = number
            self._labels[name] = {
                label: self._checked(row[label], label, number)
                for label in names
                if row[label] is not None
            }

    def of(self, name: str) -> Mapping[str, Any]:
        """The labels of a recording; none where the table does not name it."""
        return self._labels.get(name, {})

    def check_ids(self, ids: Collection[str]) -> None:
        """Errors: DataError for a label of a recording that is not among these."""
        known = set(ids)
        for name, row in self._row_of.items():
            if name not in known:
                raise unknown_recording(self._table, row, name, known)

    def _checked(self, value: Any, label: str, row: int) -> Any:
        if isinstance(value, str | int | float | bool):
            return value
        raise DataError(
            f"{self._table.where(row)} has a {type(value).__name__} as {label!r}; a label is a "
            "text, a number or a truth value"
        )


def unknown_recording(
    table: AnnotationTable, row: int, name: str, known: Collection[str]
) -> DataError:
    """The error for a row about a recording that does not exist, with similar ids."""
    near = closest(name, known) or sorted(known)[:3]
    return DataError(
        f"{table.where(row)} names the recording {name!r}, which does not exist; the data hold "
        f"{', '.join(map(repr, near))}{', …' if len(known) > len(near) else ''}. Ids are the names "
        "of files without their suffix, and of records of FASTA files the first word of the header"
    )
