"""Rows of a data set with named columns as documents: of `datasets`, of tables, of lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, final

from sparsetime.activations.capture.document import Document
from sparsetime.activations.capture.recording import Recording
from sparsetime.errors import ConfigError, DataError

_ARRAY, _RATE = "array", "sampling_rate"  # of sound in data sets of Hugging Face


@final
class DatasetDocuments(Iterable[Document]):
    """See `dataset_documents`. Can be iterated again where `data` can, and is read lazily."""

    def __init__(
        self, data: Iterable[Any], kind: str, column: str, key: str | None, labels: Sequence[str]
    ) -> None:
        self.data, self._kind, self._column = data, kind, column
        self._key, self._labels = key, tuple(labels)

    def __iter__(self) -> Iterator[Document]:
        for number, row in enumerate(self.data):
            yield self._document(row, number)

    def _document(self, row: Any, number: int) -> Document:
        if not isinstance(row, Mapping):
            raise DataError(
                f"row {number} of the data set is a {type(row).__name__}, expected a mapping of "
                "columns to values"
            )
        needed = [self._column, *([self._key] if self._key else []), *self._labels]
        lacking = [name for name in needed if name not in row]
        if lacking:
            raise DataError(
                f"row {number} of the data set has the columns {', '.join(map(repr, row))}, and "
                f"lacks {', '.join(map(repr, lacking))}; name columns that it has"
            )
        name = str(row[self._key] if self._key else number)
        content, recording = row[self._column], None
        if content is None:
            raise DataError(
                f"row {number} of the data set has nothing in the column {self._column!r}; leave "
                "such rows out, as with data.filter"
            )
        if isinstance(content, Mapping) and _ARRAY in content:
            content, recording = content[_ARRAY], Recording(rate=content.get(_RATE))
        labels = {label: row[label] for label in self._labels}
        return Document(name, **{self._kind: content}, labels=labels, recording=recording)


def dataset_documents(
    data: Iterable[Any],
    *,
    text: str | None = None,
    tokens: str | None = None,
    values: str | None = None,
    id: str | None = None,  # noqa: A002
    labels: Sequence[str] = (),
) -> DatasetDocuments:
    """Rows of a data set as documents for `capture`, by the names of its columns.

    data: what gives mappings of columns to values: a `datasets.Dataset`, or one that is streamed
    (`load_dataset(..., streaming=True)`), whose rows are read one after another and never all kept;
    a list of dictionaries; `table.to_pylist()`.
    text, tokens, values: the column that holds each document; one of the three. Values are [time],
    [time, ...], or sound as data sets of Hugging Face have it, {"array", "sampling_rate"}. id: the
    column of names; None: running numbers. labels: columns that become labels of the document.

    Errors: ConfigError for no or several columns of contents; DataError, while it is read, for a
    row that lacks a column or has nothing in it.
    """
    given = {"text": text, "tokens": tokens, "values": values}
    named = [(kind, column) for kind, column in given.items() if column is not None]
    if len(named) != 1:
        raise ConfigError(
            f"got {' and '.join(kind for kind, _ in named) or 'no column of contents'}, expected "
            "one of text=, tokens= and values=, the column that holds the documents"
        )
    if isinstance(labels, str):
        raise ConfigError(f"got labels={labels!r}, expected a list of columns: labels=[{labels!r}]")
    return DatasetDocuments(data, *named[0], id, labels)
