"""The data of a capture: files, folders and globs, as texts or as recordings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sparsetime.errors import ConfigError, DataError

if TYPE_CHECKING:
    from torch import Tensor

    from sparsetime.activations.capture.document import Document
    from sparsetime.models.load import LoadedModel

JSON_LINES = ".jsonl"
_TEXTS = (".txt", ".md", JSON_LINES)
_AS_SERIES = "For a series write an array [time, features] to a .npy file with numpy.save"
# Files that hold no text to read as such, and what to do with them.
_REFUSED = {
    ".json": f'{_AS_SERIES}; texts go to a .jsonl file, with a line {{"text": ...}} for each',
    ".pt": _AS_SERIES,
    ".safetensors": _AS_SERIES,
    ".mat": _AS_SERIES,
    ".xlsx": "Save the sheet as a .csv file",
    ".gdf": "For a recording write an .edf file",
    ".m4a": "For sound write a .wav or .flac file",
}


def data_files(patterns: Iterable[str]) -> Iterator[Path]:
    """Files of each pattern in order: a file, a glob, or a folder's files of the known kinds.

    Errors: DataError for a pattern that finds nothing, and for a file that is neither a text nor a
    recording of a known format.
    """
    from sparsetime.activations.readers.reader import known_formats, reader_of
    from sparsetime.activations.readers.recordings import recordings_below

    for pattern in patterns:
        path = Path(pattern)
        if path.is_file() or (path.exists() and reader_of(path)):
            # First, as a file's name may hold the brackets of a glob.
            files = [path]
        elif path.is_dir():
            texts = sorted(p for p in path.rglob("*") if p.suffix in _TEXTS)
            files = [*recordings_below(path), *texts]
        else:
            files = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        if not files:
            what = (
                f"a folder without {', '.join(_TEXTS)} files and recordings"
                if path.is_dir()
                else "no file"
            )
            raise DataError(f"the data {pattern!r} is {what}; give a file, a folder or a glob.")
        for path in files:
            advice = _REFUSED.get(path.suffix.lower())
            if advice:
                raise DataError(
                    f"got the file {path}, expected texts (.txt, .md, source code) or recordings "
                    f"({known_formats()}). {advice}."
                )
        yield from files


def json_lines(paths: Iterable[Path]) -> Iterator[Document]:
    """The texts of .jsonl files, one a line; what is beside "text" is a label of the document.

    Errors: DataError for a line that is no JSON object with a "text".
    """
    from sparsetime.activations.capture.document import Document

    for path in paths:
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            if not line.strip():
                continue
            where = f"{path}:{number}"
            try:
                record = json.loads(line)
            except ValueError as error:
                raise DataError(f"{where} is no line of JSON: {error}") from error
            if not isinstance(record, dict) or not isinstance(record.get("text"), str):
                raise DataError(f'{where} has no "text"; expected a line like {{"text": "..."}}')
            kinds = str | int | float | bool
            labels = {n: v for n, v in record.items() if n != "text" and isinstance(v, kinds)}
            yield Document(where, text=record["text"], labels=labels, source=str(path))


def token_windows(
    model: str, patterns: Iterable[str], length: int, count: int
) -> tuple[LoadedModel, Tensor]:
    """A causal model of the command line, and windows of tokens [count, length] of text files.

    Errors: ConfigError for a model without a tokenizer; DataError for texts that are too short.
    """
    import torch

    from sparsetime.activations.capture.text_files import read_texts
    from sparsetime.cli.model_argument import named_model
    from sparsetime.models.causal_model import load_causal_model

    loaded = load_causal_model(named_model(model))
    if loaded.tokenizer is None:
        raise ConfigError(f"got the model {model!r} without a tokenizer, expected one of text")
    rows: list[Tensor] = []
    for document in read_texts(list(data_files(patterns))):
        tokens = torch.tensor(loaded.tokenizer(document.text)["input_ids"])
        rows += [row for row in tokens.split(length) if len(row) == length]
        if len(rows) >= count:
            return loaded, torch.stack(rows[:count])
    raise DataError(
        f"got texts of {len(rows)} windows of {length} tokens, expected {count}; give more text, "
        "or a smaller --length or --windows"
    )


def stored_tokens(store: str, number: int) -> tuple[Tensor, tuple[str, int]]:
    """The tokens [1, time] of a sequence of a store, and what names its steps elsewhere.

    Errors: DataError for a sequence that there is none, and for steps that are no tokens.
    """
    import torch

    from sparsetime.activations.store.open_store import open_store
    from sparsetime.activations.store.provenance import shards_hash
    from sparsetime.features.contexts import find_sequence

    opened = open_store(store)
    sequence = find_sequence(opened, number)
    if "token" not in sequence.steps.column_names:
        raise DataError(f"got the store {store}, whose steps are no tokens; leave --store out")
    tokens = torch.tensor(sequence.steps["token"].to_pylist())
    return tokens[None], (shards_hash(opened), number)
