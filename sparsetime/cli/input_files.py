"""The data of a capture: files, folders and globs, as texts or as series."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sparsetime.errors import DataError

if TYPE_CHECKING:
    from sparsetime.activations.capture.document import Document

SERIES, JSON_LINES = ".npy", ".jsonl"
_LISTED = (".txt", ".md", SERIES, JSON_LINES)
_AS_LINES = 'texts go to a .jsonl file, with a line {"text": ...} for each'
_AS_SERIES = "For a series write an array [time, features] to a .npy file with numpy.save"
# Files that hold no text to read as such, and what to do with them.
_REFUSED = {
    ".csv": f"{_AS_SERIES}; {_AS_LINES}",
    ".tsv": f"{_AS_SERIES}; {_AS_LINES}",
    ".parquet": f"{_AS_SERIES}; {_AS_LINES}",
    ".json": f"{_AS_SERIES}; {_AS_LINES}",
    ".npz": f"{_AS_SERIES}, one for each of its arrays",
    ".pt": _AS_SERIES,
    ".safetensors": _AS_SERIES,
    ".mat": _AS_SERIES,
    ".edf": _AS_SERIES,
    ".wav": _AS_SERIES,
    ".mp3": _AS_SERIES,
    ".mp4": "For frames write an array [time, height, width, 3] to a .npy file with numpy.save",
}


def data_files(patterns: Iterable[str]) -> Iterator[Path]:
    """Files of each pattern in order: a file, a glob, or a folder's files of the known kinds.

    Errors: DataError for a pattern that finds nothing, and for a table, a recording or an archive,
    which is neither a text nor an array.
    """
    for pattern in patterns:
        path = Path(pattern)
        if path.is_file():
            # First, as a file's name may hold the brackets of a glob.
            files = [path]
        elif path.is_dir():
            files = sorted(p for p in path.rglob("*") if p.suffix in _LISTED)
        else:
            files = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        if not files:
            what = (
                "a folder without .txt, .md, .jsonl or .npy files" if path.is_dir() else "no file"
            )
            raise DataError(f"the data {pattern!r} is {what}; give a file, a folder or a glob.")
        for path in files:
            advice = _REFUSED.get(path.suffix.lower())
            if advice:
                raise DataError(
                    f"got the file {path}, expected texts (.txt, .md, source code) or arrays "
                    f"({SERIES}). {advice}."
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


def series_names(paths: Sequence[Path]) -> list[str]:
    """Names of series: those of their files, with the folders where two are alike."""
    stems = Counter(path.stem for path in paths)
    return [path.stem if stems[path.stem] == 1 else str(path) for path in paths]


def series(path: Path, name: str, start: float, step: float, unit: str) -> Document:
    """The array of a .npy file, [time, ...], as a document of that name.

    Errors: DataError where the file holds no such array.
    """
    import numpy as np
    import torch

    from sparsetime.activations.capture.document import Document
    from sparsetime.activations.capture.recording import InputFile, Recording

    try:
        values = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DataError(f"{path} is not a NumPy array file: {error}") from error
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiub":
        raise DataError(f"{path} holds no array of real numbers; a series is [time, features].")
    if not values.size:
        raise DataError(f"{path} holds an empty array of shape {list(values.shape)}; leave it out.")
    if values.dtype != np.uint8:  # pixels stay bytes until the model reads them
        values = values.astype("float32")
    return Document(
        id=name,
        values=torch.from_numpy(values),
        start=start,
        step=step,
        unit=unit,
        source=str(path),
        recording=Recording(file=InputFile(str(path), "npy")),
    )
