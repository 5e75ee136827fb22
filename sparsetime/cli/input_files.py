"""The data of a capture: files, folders and globs, as texts or as series."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sparsetime.errors import DataError

if TYPE_CHECKING:
    from sparsetime.activations.capture.document import Document

SERIES = ".npy"
_AS_SERIES = "For a series write an array [time, features] to a .npy file with numpy.save"
# Files that hold no text to read as such, and what to do with them.
_REFUSED = {
    ".csv": f"{_AS_SERIES}; texts of a column go to .txt files, or to sparsetime.capture in Python",
    ".tsv": f"{_AS_SERIES}; texts of a column go to .txt files, or to sparsetime.capture in Python",
    ".parquet": f"{_AS_SERIES}; for texts give the column to sparsetime.capture in Python",
    ".npz": f"{_AS_SERIES}, one for each of its arrays",
    ".pt": _AS_SERIES,
    ".mat": _AS_SERIES,
    ".edf": _AS_SERIES,
    ".wav": _AS_SERIES,
    ".mp3": _AS_SERIES,
    ".mp4": f"{_AS_SERIES}, each frame flattened to a row",
}


def data_files(patterns: Iterable[str]) -> Iterator[Path]:
    """Files of each pattern in order: a file, a folder's .txt, .md and .npy files, or a glob.

    Errors: DataError for a pattern that finds nothing, and for a table, a recording or an archive,
    which is neither a text nor an array.
    """
    for pattern in patterns:
        path = Path(pattern)
        if path.is_file():
            # First, as a file's name may hold the brackets of a glob.
            files = [path]
        elif path.is_dir():
            files = sorted(p for p in path.rglob("*") if p.suffix in (".txt", ".md", SERIES))
        else:
            files = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        if not files:
            what = "a folder without .txt, .md or .npy files" if path.is_dir() else "no file"
            raise DataError(f"the data {pattern!r} is {what}; give a file, a folder or a glob.")
        for path in files:
            advice = _REFUSED.get(path.suffix.lower())
            if advice:
                raise DataError(
                    f"got the file {path}, expected texts (.txt, .md, source code) or arrays "
                    f"({SERIES}). {advice}."
                )
        yield from files


def series(path: Path, start: float, step: float, unit: str) -> Document:
    """The array of a .npy file, [time, features] or [time], as a document named by its file.

    Errors: DataError where the file holds no such array.
    """
    import numpy as np
    import torch

    from sparsetime.activations.capture.document import Document, flat_frames_hint

    try:
        values = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DataError(f"{path} is not a NumPy array file: {error}") from error
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiub":
        raise DataError(f"{path} holds no array of real numbers; a series is [time, features].")
    if values.ndim not in (1, 2):
        raise DataError(
            f"{path} holds an array of shape {list(values.shape)}; a series is [time, features]"
            f"{flat_frames_hint(values.ndim) or '.'}"
        )
    columns = torch.from_numpy(values.reshape(len(values), -1).astype("float32"))
    return Document(
        id=path.stem, values=columns, start=start, step=step, unit=unit, source=str(path)
    )
