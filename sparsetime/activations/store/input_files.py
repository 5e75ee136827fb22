"""Files that hold inputs of a capture, referred to in place of a copy, and their readers."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from safetensors import SafetensorError, safe_open

from sparsetime.activations.capture.recording import InputFile
from sparsetime.activations.store.input_columns import INPUT_FILE, STORED_INPUT
from sparsetime.errors import DamagedError, StoreError, unknown_name

#: Readers by the kind of file: a function of the path and the settings that gives a SlicedArray.
READERS = {
    "safetensors": "sparsetime.activations.store.input_files:open_tensor",
    "npy": "sparsetime.activations.store.input_files:open_npy",
    "audio": "sparsetime.activations.readers.audio:SoundSlices",
    "eeg": "sparsetime.activations.readers.eeg:ChannelSlices",
    "video": "sparsetime.activations.readers.video:VideoFrames",
    "hdf5": "sparsetime.activations.readers.arrays:open_hdf5",
}
_PIECE = 1 << 20


class SlicedArray(Protocol):
    """An array [time, ...] of which segments are read without reading the whole."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, segment: slice) -> np.ndarray: ...


Reader = Callable[[str, Mapping[str, Any]], SlicedArray]


def file_reference(file: InputFile, store: str) -> str:
    """The value of `input` for a file: its paths, size and SHA-256, and its reader, as JSON.

    store: the folder of the store, from which the file is also found by a relative path, so that
    both can be moved together.

    Errors: UnknownNameError for a reader that does not exist; StoreError where the file is missing.
    """
    if file.reader not in READERS:
        raise unknown_name("reader of input files", file.reader, READERS)
    path = Path(file.path).absolute()
    if not path.is_file():
        raise StoreError(
            f"the input file {file.path} does not exist; a store that keeps inputs refers to it"
        )
    return json.dumps(
        {
            INPUT_FILE: str(path),
            "relative": None if "://" in store else Path(os.path.relpath(path, store)).as_posix(),
            "bytes": path.stat().st_size,
            "sha256": _sha256(path, path.stat().st_mtime_ns),
            "reader": file.reader,
            "settings": dict(file.settings),
        },
        sort_keys=True,
    )


def open_input(reference: Mapping[str, Any], store: str, kept: Path | None) -> SlicedArray:
    """The array that a reference in the column `input` names: of a file, or kept in the store.

    kept: the inputs file of the shard in which the sequence begins, checked.
    """
    if INPUT_FILE in reference:
        return _open_file(reference, store)
    return TensorSlices(str(kept), reference[STORED_INPUT])


def _open_file(reference: Mapping[str, Any], store: str) -> SlicedArray:
    """The array in a file that a store refers to, checked against its size and SHA-256.

    Errors: StoreError where the file is in neither place or no reader of its kind is known;
    DamagedError where it was changed.
    """
    near = None if "://" in store else reference["relative"]
    paths = [Path(reference[INPUT_FILE])] + ([Path(store) / near] if near else [])
    path = next((one for one in paths if one.is_file()), None)
    if path is None:
        raise StoreError(
            f"{store} refers to the input file {reference['path']}, which does not exist; put it "
            "back, or capture again"
        )
    stat = path.stat()
    is_same = stat.st_size == reference["bytes"]
    if not (is_same and _sha256(path, stat.st_mtime_ns) == reference["sha256"]):
        raise DamagedError(
            f"the input file {path} was changed since {store} was captured from it (its bytes "
            "differ); put the old file back, or capture again with force=True"
        )
    if reference["reader"] not in READERS:
        raise StoreError(
            f"{store} refers to {path}, whose reader {reference['reader']!r} this sparsetime does "
            "not have; update sparsetime"
        )
    return _reader(reference["reader"])(str(path), reference["settings"])


class TensorSlices:
    """Segments of one tensor of a safetensors file, each read when it is asked for."""

    def __init__(self, path: str, name: str) -> None:
        self._path, self._name = path, name
        with self._file() as file:
            self.shape: tuple[int, ...] = tuple(file.get_slice(name).get_shape())

    def __getitem__(self, segment: slice) -> np.ndarray:
        with self._file() as file:
            return np.asarray(file.get_slice(self._name)[segment])

    def _file(self) -> Any:
        try:
            return safe_open(self._path, "numpy")
        except (SafetensorError, OSError) as error:
            raise DamagedError(f"{self._path} is not a safetensors file: {error}") from error


def open_tensor(path: str, settings: Mapping[str, Any]) -> SlicedArray:
    """The tensor of the name in `settings["tensor"]` in a safetensors file."""
    return TensorSlices(path, settings[STORED_INPUT])


def open_npy(path: str, settings: Mapping[str, Any]) -> SlicedArray:
    """The array of a .npy file, memory-mapped. Errors: DamagedError where it is none."""
    try:
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DamagedError(f"{path} is not a NumPy array file: {error}") from error
    return array


def _reader(name: str) -> Reader:
    module, _, function = READERS[name].partition(":")
    reader: Reader = getattr(import_module(module), function)
    return reader


@lru_cache(maxsize=4096)
def _sha256(path: Path, modified: int) -> str:
    """SHA-256 of a file, computed once a process for each time that it was modified."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
