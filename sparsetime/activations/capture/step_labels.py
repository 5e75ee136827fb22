"""Step labels as Arrow columns, from one value a step or from spans of characters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from torch import Tensor

from sparsetime.activations.capture.document import Document
from sparsetime.errors import DataError


def span_column(
    document: Document,
    name: str,
    spans: Sequence[tuple[int, int, Any]],
    char_start: np.ndarray[Any, np.dtype[np.int32]],
) -> pa.Array:
    """The value of the last span that holds each token's first character; null where none does.

    Errors: DataError for a span that is not within the text.
    """
    characters = len(document.text or "")
    which = np.full(len(char_start), -1, dtype=np.int64)
    order = np.argsort(char_start, kind="stable")  # some tokenizers' offsets do not ascend
    ascending = char_start[order]
    for number, (start, end, _) in enumerate(spans):
        if not 0 <= start <= end <= characters:
            raise DataError(
                f"the span {start} to {end} of {name!r} is not within the {characters} characters "
                f"of the document {document.id!r}"
            )
        first, stop = np.searchsorted(ascending, [start, end])
        which[order[first:stop]] = number
    values = step_column(document, name, [value for *_, value in spans])
    return values.take(pa.array(which, mask=which < 0))


def step_column(document: Document, name: str, values: list[Any]) -> pa.Array:
    """Labels as a column: texts as a dictionary, whole numbers int64, others float64, or bool.

    Among texts, whole numbers and truth values NaN is missing, as None is.

    Errors: DataError where the values are of several types, or of any other.
    """
    try:
        column = _array(values)
    except UnicodeEncodeError as error:
        raise DataError(
            f"the step label {name!r} of the document {document.id!r} holds half of a surrogate "
            "pair, which is no character; replace it"
        ) from error
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
        raise DataError(
            f"the step label {name!r} of the document {document.id!r} mixes types: {error}"
        ) from error
    kind = column.type
    if pa.types.is_null(kind):  # all values are missing, and most labels are names
        column = column.cast(pa.string())
    if pa.types.is_string(column.type):
        return column.dictionary_encode()
    if pa.types.is_integer(kind):
        return column.cast(pa.int64())
    if pa.types.is_floating(kind):
        return column.cast(pa.float64())
    if pa.types.is_boolean(kind):
        return column
    raise DataError(
        f"the step label {name!r} of the document {document.id!r} holds {kind}; it must hold "
        f"texts, numbers or truth values"
    )


def as_list(values: Iterable[Any]) -> list[Any]:
    """A sequence or an array of labels as a list, numbers of NumPy and torch as those of Python."""
    listed = getattr(values, "tolist", None)  # converts arrays and tensors to Python numbers
    return [_plain(value) for value in (values if listed is None else listed())]


def _plain(value: Any) -> Any:
    if isinstance(value, np.floating):  # `item` leaves a long double what it is
        return float(value)
    is_number = isinstance(value, np.generic | np.ndarray | Tensor) and value.ndim == 0
    return value.item() if is_number else value


def _array(values: list[Any]) -> pa.Array:
    """Labels as an Arrow array. NaN among floats stays; among others it is missing."""
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array(values, from_pandas=True)


def type_name(kind: pa.DataType) -> str:
    """The name of a column's type in error messages."""
    return "text" if pa.types.is_dictionary(kind) else str(kind)
