"""Conversion of user data (texts, token arrays, value arrays) to documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from sparsetime.activations.capture.containers import INPUT_IDS, items_of, tokens_of
from sparsetime.activations.capture.document import Document, Times
from sparsetime.errors import DataError
from sparsetime.tensors import as_tensor, is_array


def as_documents(
    data: Any,
    labels: Iterable[Mapping[str, Any]] | None = None,
    times: Iterable[Times] | None = None,
) -> Iterator[Document]:
    """Every item of `data` as a Document.

    A text is a str, tokens are integers [time] (list, array or tensor), values are numbers
    [time, features] or [time]; their `id` is their running number. A tokenizer's output gives its
    token arrays without padding, and a table its column `text` or `input_ids`. `labels` and `times`
    give each document its labels and its (start, step).

    Errors: DataError, before anything is read, where `data` is one document and not several; while
    it is read, where an item is no document, or `labels` or `times` are too few or too many.
    """
    items = items_of(data)
    for name, entries in (("labels", labels), ("times", times)):
        if isinstance(items, Sequence | Tensor) and isinstance(entries, Sequence):
            _check_count(name, len(entries), len(items))
    return _iterate(items, labels, times)


def _iterate(
    data: Iterable[Any],
    labels: Iterable[Mapping[str, Any]] | None,
    times: Iterable[Times] | None,
) -> Iterator[Document]:
    label_entries = None if labels is None else iter(labels)
    time_entries = None if times is None else iter(times)
    count = 0
    for number, item in enumerate(data):
        count += 1
        document = _document(item, number)
        if label_entries is not None:
            extra = _next("labels", label_entries, number)
            document = replace(document, labels={**document.labels, **extra})
        if time_entries is not None:
            start, step = _next("times", time_entries, number)
            document = replace(document, start=float(start), step=float(step))
        yield document
    for name, entries in (("labels", label_entries), ("times", time_entries)):
        if entries is not None and next(entries, None) is not None:
            _check_count(name, count + 1, count, "or more ")


def _next(name: str, entries: Iterator[Any], number: int) -> Any:
    for entry in entries:
        return entry
    raise DataError(f"{name} has {number} entries, and there are more documents than that")


def _check_count(name: str, entries: int, documents: int, more: str = "") -> None:
    if entries != documents:
        raise DataError(
            f"{name} has {entries} {more}entries for {documents} documents; give one for each "
            "document"
        )


def _document(item: Any, number: int) -> Document:
    name = str(number)
    if isinstance(item, Document):
        return item
    if isinstance(item, str):
        return Document(name, text=item)
    if isinstance(item, Mapping):
        return _of_mapping(item, name)
    if hasattr(item, "ids") and hasattr(item, "attention_mask"):  # an Encoding of tokenizers
        encoding = {"input_ids": item.ids, "attention_mask": item.attention_mask}
        return Document(name, tokens=tokens_of(encoding, f"document {number}"))
    if isinstance(item, list | tuple) or is_array(item):
        tensor = as_tensor(item, f"document {number}")
        if tensor.ndim == 1 and not tensor.is_floating_point():
            return Document(name, tokens=tensor)
        return Document(name, values=tensor)
    hint = " Read files with read_texts." if isinstance(item, Path | bytes) else ""
    raise DataError(
        f"document {number} is a {type(item).__name__}; a document is a text, tokens [time], "
        f"values [time, ...], or a Document.{hint}"
    )


def _of_mapping(item: Mapping[str, Any], name: str) -> Document:
    """A row of a table or of a tokenizer's output; what is beside a text is a label of it."""
    if INPUT_IDS in item:
        return Document(name, tokens=tokens_of(item, f"document {name}"))
    if isinstance(item.get("text"), str):
        labels = {key: value for key, value in item.items() if key != "text"}
        return Document(name, text=item["text"], labels=labels)
    raise DataError(
        f"document {name} is a {type(item).__name__} with the keys "
        f"{', '.join(map(repr, item)) or '(none)'}; a document is a text, tokens [time], values "
        "[time, features], a Document, or a mapping with 'text' or 'input_ids'"
    )
