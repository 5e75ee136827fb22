"""Collections of documents: lists, tables, tokenizer outputs; others are refused by name."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from sparsetime.activations.capture.document import Document
from sparsetime.errors import DataError
from sparsetime.tensors import as_mask, as_tensor, as_tokens, is_array

#: Keys of a tokenizer's output.
INPUT_IDS, ATTENTION_MASK = "input_ids", "attention_mask"
_TEXT = "text"
_SHOWN = 4


def items_of(data: Any) -> Iterable[Any]:
    """The documents that `data` holds, each as it was given.

    A tokenizer's output gives token arrays without their padding; a table gives its column `text`
    or `input_ids`. Whatever else can be iterated gives what it iterates.

    Errors: DataError where `data` is one document and not several, or where iterating it would not
    give documents, as with a mapping, which gives its keys.
    """
    if isinstance(data, str | Document | bytes | Path):
        raise _single(f"a single {type(data).__name__}")
    columns = _columns(data)
    if columns is not None:
        return _of_table(data, columns)
    if isinstance(data, set | frozenset):
        raise DataError(
            f"data is a {type(data).__name__}, which has no order of its own, so that a capture "
            "could not be repeated; give a list, such as sorted(data)"
        )
    if isinstance(data, io.IOBase) or hasattr(data, "readline"):
        raise DataError(
            "data is an open file, which gives its lines; give [file.read()] for one document, "
            "list(file) for one a line, or the paths to read_texts"
        )
    if isinstance(data, np.ndarray) and data.dtype.kind in "UT":
        return list(map(str, data.ravel().tolist()))
    if is_array(data):
        return _of_array(data)
    if not isinstance(data, Iterable):
        raise _single(f"a {type(data).__name__}")
    return data


def tokens_of(encoding: Any, name: str) -> Tensor:
    """The tokens of one text of a tokenizer's output, without those that its mask leaves out.

    Errors: DataError where the mask leaves out tokens between others, or where the encoding is of
    a pair of texts.
    """
    what = f"the input_ids of {name}"
    tokens = as_tokens(encoding[INPUT_IDS], what)
    if tokens.ndim == 2 and len(tokens) == 1:
        tokens = tokens[0]
    if tokens.ndim != 1:
        raise DataError(f"{what} have the shape {list(tokens.shape)}; expected [time]")
    types = encoding.get("token_type_ids")
    if types is not None and bool(as_tensor(types, f"the token_type_ids of {name}").any()):
        raise DataError(
            f"{name} is a pair of texts: its token_type_ids would be lost, and the model would "
            "read both as one; tokenise single texts"
        )
    mask = encoding.get(ATTENTION_MASK)
    if mask is None:
        return tokens
    real = as_mask(
        as_tensor(mask, f"the attention_mask of {name}").reshape(-1),
        tokens.shape,
        f"the attention_mask of {name}",
    )
    places = real.nonzero()[:, 0]
    if len(places) and int(places[-1] - places[0]) + 1 != len(places):
        raise DataError(
            f"the attention_mask of {name} leaves out tokens between others; only padding at "
            "either end can be left out"
        )
    return tokens[real]


def _columns(data: Any) -> list[str] | None:
    """The names of a mapping's keys or of a table's columns; None for anything else."""
    if isinstance(data, Mapping):
        return [str(key) for key in data]
    names = getattr(data, "column_names", None)  # of pyarrow and datasets
    if isinstance(names, list):
        return [str(name) for name in names]
    if type(data).__name__ in ("DataFrame", "LazyFrame") and hasattr(data, "columns"):
        return [str(name) for name in data.columns]
    return None


def _of_table(data: Any, columns: list[str]) -> list[Any]:
    kind = type(data).__name__
    if INPUT_IDS in columns:
        return list(_encodings(data, columns))
    if _TEXT in columns and not isinstance(data[_TEXT], str):
        return _as_list(data[_TEXT])
    shown = ", ".join(map(repr, columns[:_SHOWN])) + (", …" if len(columns) > _SHOWN else "")
    if isinstance(data, Mapping):
        raise DataError(
            f"data is a {kind} with the keys {shown or '(none)'}, and its keys are no documents; "
            "give list(data.values()), or [Document(key, text=value) for key, value in "
            "data.items()]"
        )
    raise DataError(
        f"data is a {kind} with the columns {shown or '(none)'}, and which of them holds the "
        f"documents is not plain; name it {_TEXT!r}, give list(data[column]), or give the numbers "
        "of one document in a list: [data.to_numpy()]"
    )


def _encodings(data: Any, columns: list[str]) -> Iterator[Document]:
    """The texts of a tokenizer's output, which holds lists or arrays by name."""
    names = [n for n in (INPUT_IDS, ATTENTION_MASK, "token_type_ids") if n in columns]
    rows = {name: _as_list(data[name]) for name in names}
    if rows[INPUT_IDS] and not hasattr(rows[INPUT_IDS][0], "__len__"):  # of a single text
        rows = {name: [row] for name, row in rows.items()}
    for number in range(len(rows[INPUT_IDS])):
        encoding = {name: row[number] for name, row in rows.items()}
        yield Document(str(number), tokens=tokens_of(encoding, f"document {number}"))


def _as_list(column: Any) -> list[Any]:
    for method in ("to_pylist", "tolist", "to_list"):
        if hasattr(column, method):
            listed: list[Any] = getattr(column, method)()
            return listed
    return list(column)


def _of_array(data: Any) -> Iterable[Any]:
    if not isinstance(data, Tensor | np.ndarray) and getattr(data, "ndim", 1) == 1:
        listed = _as_list(data)  # a column of a table
        if listed and isinstance(listed[0], str | list | tuple | np.ndarray):
            return listed
    if isinstance(data, np.ndarray) and data.dtype == object and data.ndim == 1:
        return list(data)
    tensor = as_tensor(data, "data")
    if tensor.ndim < 2:
        raise _single(f"a single array of shape {list(tensor.shape)}")
    if tensor.ndim == 2 and tensor.is_floating_point():
        raise _single(f"an array of shape {list(tensor.shape)}, which may be one document or many")
    return tensor


def _single(what: str) -> DataError:
    return DataError(
        f"data is {what}; it must be an iterable of documents: put one document into a list, "
        f"or give values as [sequences, time, features]"
    )
