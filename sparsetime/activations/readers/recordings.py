"""st.read: files as recordings, checked by their headers and read one at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, final

from sparsetime.activations.capture.document import Document
from sparsetime.activations.capture.recording import Recording, check_recordings_agree
from sparsetime.activations.readers.reader import (
    Outline,
    known_formats,
    outlines_of,
    reader_of,
)
from sparsetime.activations.store.manifest import MANIFEST
from sparsetime.errors import DataError

_BIDS_TABLES = ("_events.tsv", "_channels.tsv", "_electrodes.tsv", "_scans.tsv", "participants.tsv")
_LONGEST_PATH = 4096


@final
class Recordings:
    """Recordings of files as documents. Can be iterated again; one is in memory at a time.

    outlines: of each recording its id, length, rate and channels, from the headers of the files.
    """

    def __init__(self, outlines: Sequence[Outline]) -> None:
        self.outlines = list(outlines)

    def __len__(self) -> int:
        return len(self.outlines)

    def __iter__(self) -> Iterator[Document]:
        for outline in self.outlines:
            yield replace(outline.document(), id=outline.id)


def read(
    data: str | Path | Iterable[str | Path], *, mixed_rates: bool = False, **options: Any
) -> Recordings:
    """Recordings of files: sound, EEG, video, tables, arrays, proteins.

    data: a file, a folder (all files of known formats in and below it), a glob, or a list of them.
    options: of the reader of the format, such as `channels` of an EDF file or `time` of a table.
    mixed_rates: whether sampling rates may differ, where `st.capture` is given a `rate`.

    The header of every file is read now, the values of each when it is its turn. Tables, FASTA and
    .npz files have no header that says enough: they are read whole now, tables again in turn. The
    id of a recording is the name of its file without the suffix; its path where two are alike.

    Errors: DataError for a file that is missing, damaged, empty or of an unknown format;
    ConfigError where the package that reads it is not installed; MismatchError for channels, units
    or rates that differ between files; UnknownNameError for an option that its reader does not
    have.
    """
    outlines = [one for path in files_of(data) for one in outlines_of(path, options)]
    names = Counter(outline.id for outline in outlines)
    outlines = [
        one if names[one.id] == 1 else replace(one, id=_with_folder(one)) for one in outlines
    ]
    again = [name for name, count in Counter(one.id for one in outlines).items() if count > 1]
    if again:
        raise DataError(f"got two recordings with the id {again[0]!r}; give each one of its own")
    first = outlines[0]
    for one in outlines[1:]:
        check_recordings_agree(one.id, _facts(one), first.id, _facts(first), mixed_rates)
    return Recordings(outlines)


def files_of(data: str | Path | Iterable[str | Path]) -> list[Path]:
    """The files of known formats that paths, folders and globs name, in order.

    Errors: DataError for one that names no file, and for a file of an unknown format.
    """
    found: list[Path] = []
    for given in [data] if isinstance(data, str | Path) else data:
        path = Path(given)
        if path.is_file() or (path.exists() and reader_of(path)):
            found.append(path)
            continue
        if path.is_dir():
            inside = recordings_below(path)
        else:
            inside = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        if not inside:
            what = "a folder without files that are read" if path.is_dir() else "no file"
            raise DataError(f"the data {str(given)!r} is {what}. Read are {known_formats()}")
        found.extend(inside)
    for path in found:
        if reader_of(path) is None:
            raise DataError(
                f"got {path}, whose format is not known. Read are {known_formats()}; texts by "
                "sparsetime.activations.read_texts"
            )
    return found


def recordings_of(data: Any, mixed_rates: bool = False) -> Recordings | None:
    """What `read` makes of a path, a glob, or a list of paths; None for any other data.

    A text is taken as a path only where a file of a known format is there.
    """
    if isinstance(data, Path) or (isinstance(data, str) and _names_files(data)):
        return read(data, mixed_rates=mixed_rates)
    if isinstance(data, list | tuple) and data:
        paths = all(isinstance(one, Path) for one in data)
        if paths or all(isinstance(one, str) and _names_files(one) for one in data):
            return read(data, mixed_rates=mixed_rates)
    return None


def _names_files(text: str) -> bool:
    if "\n" in text or len(text) > _LONGEST_PATH:
        return False
    path = Path(text)
    try:
        exists = path.exists()
    except OSError:  # a text with a word that is longer than a name of a file can be
        return False
    if exists:
        return path.is_dir() or reader_of(path) is not None
    return any(mark in text for mark in "*?[") and reader_of(path) is not None


def recordings_below(folder: Path) -> list[Path]:
    """Files of known formats, and folders that are one recording each, such as a Zarr group.

    Tables that BIDS keeps beside recordings are none, nor are the files of a store.

    Errors: DataError where there are several formats, as recordings beside a table of labels.
    """
    found: list[Path] = []
    if (folder / MANIFEST).exists():
        return found
    for path in sorted(folder.iterdir()):
        if reader_of(path):
            found.append(path)
        elif path.is_dir():
            found += recordings_below(path)
    found = [path for path in found if not path.name.endswith(_BIDS_TABLES)]
    kinds = {reader_of(path): path.suffix for path in found}
    if len(kinds) > 1:
        one, other = sorted(set(kinds.values()))[:2]
        raise DataError(
            f"got the folder {folder} with {one} and {other} files, expected one format; give a "
            f"glob, such as {folder}/*{one}"
        )
    return found


def _with_folder(outline: Outline) -> str:
    is_whole = outline.path.name.startswith(f"{outline.id}.")
    return str(outline.path) if is_whole else f"{outline.path}:{outline.id}"


def _facts(outline: Outline) -> Recording:
    return Recording(outline.rate, outline.channels, outline.units)
