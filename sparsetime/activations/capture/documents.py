"""Documents: what is captured, one sequence each, with its labels and its place in time."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, final

import numpy as np
import torch
from torch import Tensor

from sparsetime.errors import ConfigError, DataError

Label: TypeAlias = str | int | float | bool
Kind: TypeAlias = Literal["text", "tokens", "values"]
Times: TypeAlias = tuple[float, float]


@final
@dataclass(frozen=True, eq=False)
class Document:
    """One sequence: a text, an array of tokens, or an array of values over time.

    Exactly one of `text`, `tokens` (integers [time]) and `values` ([time, features]) is given.
    `labels` hold for the whole document. `step_labels` give one value a step, in a sequence or an
    array: a token of `tokens`, a row of `values`, a token of `text` once tokenised. `spans` give
    the value of the characters from `start_char` to `end_char` (exclusive) of a text: a token gets
    the value of the last span that holds its first character, or null.

    Step `i` is at the time `start + i * step`, counted in `unit`s ("token", "second", "frame";
    by default "token" for texts and tokens, "step" for values). Times that are not evenly spaced
    go into `step_labels`.
    """

    id: str
    text: str | None = None
    tokens: Any = None
    values: Any = None
    labels: Mapping[str, Any] = field(default_factory=dict)
    step_labels: Mapping[str, Any] = field(default_factory=dict)
    spans: Mapping[str, Sequence[tuple[int, int, Any]]] = field(default_factory=dict)
    start: float = 0.0
    step: float = 1.0
    unit: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        given = [k for k in ("text", "tokens", "values") if getattr(self, k) is not None]
        if len(given) != 1:
            raise DataError(
                f"the document {self.id!r} needs exactly one of text, tokens and values; it has "
                f"{' and '.join(given) or 'none'}"
            )
        object.__setattr__(self, "id", str(self.id))
        object.__setattr__(self, "unit", self.unit or ("step" if given == ["values"] else "token"))
        object.__setattr__(self, "labels", {k: self._label(k, v) for k, v in self.labels.items()})
        if self.tokens is not None:
            object.__setattr__(self, "tokens", self._tensor(self.tokens, "tokens"))
        if self.values is not None:
            object.__setattr__(self, "values", self._tensor(self.values, "values"))
        if self.spans and self.text is None:
            raise DataError(
                f"the document {self.id!r} has spans but no text; spans count characters, so use "
                f"step_labels for {given[0]}"
            )
        for name in ("start", "step"):
            if not math.isfinite(getattr(self, name)):
                raise DataError(
                    f"the document {self.id!r} has {name}={getattr(self, name)}; times must be "
                    f"finite"
                )
        if not self.step > 0:
            raise DataError(
                f"the document {self.id!r} has step={self.step}; the time between two steps must "
                f"be positive"
            )

    @property
    def kind(self) -> Kind:
        if self.text is not None:
            return "text"
        return "tokens" if self.tokens is not None else "values"

    def __len__(self) -> int:
        """Characters of a text, steps of the others."""
        return len(getattr(self, self.kind))

    def _label(self, name: str, value: Any) -> Label:
        value = value.item() if isinstance(value, np.generic) else value
        if isinstance(value, str | int | float | bool):
            return value
        raise DataError(
            f"the label {name!r} of the document {self.id!r} is a {type(value).__name__}; a label "
            f"is a text, a number or a truth value"
        )

    def _tensor(self, value: Any, kind: Kind) -> Tensor:
        dimensions = 1 if kind == "tokens" else 2
        try:
            tensor = torch.as_tensor(value)
        except (TypeError, ValueError, RuntimeError) as error:
            raise DataError(
                f"the {kind} of the document {self.id!r} are not an array of numbers: {error}"
            ) from error
        if kind == "values" and tensor.ndim == 1:
            tensor = tensor[:, None]
        whole = not (tensor.is_floating_point() or tensor.is_complex())
        if tensor.ndim != dimensions or (kind == "tokens" and not whole):
            expected = "integers [time]" if kind == "tokens" else "numbers [time, features]"
            raise DataError(
                f"the {kind} of the document {self.id!r} must be {expected}; "
                f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)} was given"
            )
        return tensor.detach()


def documents(
    data: Any,
    labels: Iterable[Mapping[str, Any]] | None = None,
    times: Iterable[Times] | None = None,
) -> Iterator[Document]:
    """Every item of `data` as a Document.

    A text is a str, tokens are integers [time] (list, array or tensor), values are numbers
    [time, features] or [time]; their `id` is their running number. `labels` and `times` give each
    document its labels and its (start, step).

    Errors: DataError, before anything is read, where `data` is one document and not several; on
    the way where an item is no document or `labels` or `times` are too few or too many.
    """
    _refuse_single(data)
    for name, given in (("labels", labels), ("times", times)):
        if isinstance(data, Sequence | Tensor) and isinstance(given, Sequence):
            _check_count(name, len(given), len(data))
    return _documents(data, labels, times)


@final
class TextFiles:
    """UTF-8 text files as documents: `id` and `source` are the path. Can be iterated again."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[Document]:
        for path in self.paths:
            text, problem = _decoded(path)
            if text is None:
                raise DataError(f"{path} is no longer UTF-8 text: {problem}")
            yield Document(str(path), text=text, source=str(path))


def read_texts(paths: str | Path | Iterable[str | Path], on_bad: str = "refuse") -> TextFiles:
    """Text files as documents; a folder stands for all `*.txt` files in and below it.

    Every file is checked at once, before any long work. `on_bad="skip"` leaves out files that are
    not UTF-8, with a warning that names them.

    Errors: DataError for a file that is missing or, with `on_bad="refuse"`, not UTF-8, and where
    no file is left.
    """
    if on_bad not in ("refuse", "skip"):
        raise ConfigError(f"on_bad is 'refuse' or 'skip'; {on_bad!r} was given")
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    found: list[Path] = []
    for path in map(Path, given):
        if path.is_dir():
            found.extend(sorted(path.rglob("*.txt")))
        elif path.is_file():
            found.append(path)
        else:
            raise DataError(f"the text file {path} does not exist")
    kept = []
    for path in found:
        text, problem = _decoded(path)
        if text is not None:
            kept.append(path)
        elif on_bad == "skip":
            warnings.warn(f"left out {path}: {problem}", stacklevel=2)
        else:
            raise DataError(
                f"{path} is not UTF-8 text: {problem}. Convert it, or leave such files out with "
                f"on_bad='skip'"
            )
    if not kept:
        raise DataError(f"no text files were found in {', '.join(map(str, given)) or 'no paths'}")
    return TextFiles(kept)


def _documents(
    data: Iterable[Any],
    labels: Iterable[Mapping[str, Any]] | None,
    times: Iterable[Times] | None,
) -> Iterator[Document]:
    more_labels = None if labels is None else iter(labels)
    more_times = None if times is None else iter(times)
    count = 0
    for number, item in enumerate(data):
        count += 1
        document = _document(item, number)
        if more_labels is not None:
            extra = _next("labels", more_labels, number)
            document = replace(document, labels={**document.labels, **extra})
        if more_times is not None:
            start, step = _next("times", more_times, number)
            document = replace(document, start=float(start), step=float(step))
        yield document
    for name, more in (("labels", more_labels), ("times", more_times)):
        if more is not None and next(more, None) is not None:
            _check_count(name, count + 1, count, "or more ")


def _next(name: str, more: Iterator[Any], number: int) -> Any:
    for value in more:
        return value
    raise DataError(f"{name} has {number} entries, and there are more documents than that")


def _check_count(name: str, given: int, wanted: int, more: str = "") -> None:
    if given != wanted:
        raise DataError(
            f"{name} has {given} {more}entries for {wanted} documents; give one for each document"
        )


def _document(item: Any, number: int) -> Document:
    name = str(number)
    if isinstance(item, Document):
        return item
    if isinstance(item, str):
        return Document(name, text=item)
    if isinstance(item, list | tuple | np.ndarray | Tensor):
        try:
            tensor = torch.as_tensor(item)
        except (TypeError, ValueError, RuntimeError) as error:
            raise DataError(
                f"document {number} is a {type(item).__name__} that is no array of numbers: {error}"
            ) from error
        if tensor.ndim == 1 and not tensor.is_floating_point():
            return Document(name, tokens=tensor)
        if tensor.ndim in (1, 2):
            return Document(name, values=tensor)
        found = f"an array of shape {list(tensor.shape)}"
    else:
        found = f"a {type(item).__name__}"
    hint = " Read files with read_texts." if isinstance(item, Path | bytes) else ""
    raise DataError(
        f"document {number} is {found}; a document is a text, tokens [time], values "
        f"[time, features], or a Document.{hint}"
    )


def _refuse_single(data: Any) -> None:
    single = ""
    if isinstance(data, str | Document | bytes | Path):
        single = f"a single {type(data).__name__}"
    elif isinstance(data, Tensor | np.ndarray) and data.ndim < 2:
        single = f"a single array of shape {list(data.shape)}"
    elif isinstance(data, Tensor | np.ndarray) and data.ndim == 2:
        if torch.as_tensor(data[:1]).is_floating_point():
            single = f"an array of shape {list(data.shape)}, which may be one document or many"
    elif not isinstance(data, Iterable):
        single = f"a {type(data).__name__}"
    if single:
        raise DataError(
            f"data is {single}; it must be an iterable of documents: put one document into a list, "
            f"or give values as [sequences, time, features]"
        )


def _decoded(path: Path) -> tuple[str | None, str]:
    try:
        return path.read_bytes().decode("utf-8"), ""
    except UnicodeDecodeError as error:
        bad = error.object[error.start]
        return None, f"byte 0x{bad:02x} at offset {error.start} is not UTF-8"
