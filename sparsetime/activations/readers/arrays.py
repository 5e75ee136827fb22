"""Arrays: .npy and .npz files, and groups of arrays in HDF5 and Zarr."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sparsetime.activations.capture.document import Document
from sparsetime.activations.capture.recording import InputFile, Recording
from sparsetime.activations.readers.reader import Outline, reader
from sparsetime.errors import DataError, unknown_name

_RATE = ("rate", "sampling_rate", "sfreq", "fs")  # attributes that hold steps a second
_NUMBERS = "fiub"


@reader("numpy", ".npy", ".npz")
def numpy_arrays(
    path: Path, *, rate: float | None = None, start: float = 0.0, step: float = 1.0, unit: str = ""
) -> list[Outline]:
    """The array of a .npy file, or each one of a .npz file, [time, ...].

    rate: steps a second; else start, step and unit say when the steps are.

    Errors: DataError where the file holds no array of real numbers, or an empty one.
    """
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
        arrays = dict(found.items()) if path.suffix.lower() == ".npz" else {"": found}
    except (ValueError, EOFError, OSError, KeyError) as error:
        raise DataError(f"{path} is not a NumPy array file: {error}") from error
    facts = Recording(rate=rate, file=InputFile(str(path), "npy") if "" in arrays else None)
    times = (start, 1 / rate if rate else step)
    unit = "second" if rate else unit
    named = {f"{path.stem}/{name}" if name else path.stem: one for name, one in arrays.items()}
    return [_outline(path, n, one, facts, times, unit) for n, one in named.items()]


@reader("hdf5", ".h5", ".hdf5", extra="hdf5", package="h5py")
def hdf5(
    path: Path, *, dataset: Sequence[str] | str | None = None, rate: float | None = None
) -> list[Outline]:
    """Data sets of an HDF5 file, each [time, ...] a recording; see `zarr`."""
    import h5py

    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise DataError(f"{path} cannot be read as HDF5: {error}") from error
    found: dict[str, Any] = {}
    file.visititems(
        lambda name, item: found.update({name: item}) if isinstance(item, h5py.Dataset) else None
    )
    return _of_group(path, found, dataset, rate, "hdf5")


@reader("zarr", ".zarr", extra="zarr", package="zarr")
def zarr(
    path: Path, *, dataset: Sequence[str] | str | None = None, rate: float | None = None
) -> list[Outline]:
    """Arrays of a Zarr group, each [time, ...] a recording.

    dataset: their names; None: all arrays of numbers. rate: steps a second; None: the attribute
    `rate` or `sampling_rate` of the array, where it has one. `channels` and `units` are attributes
    too. One array alone is named as its file.

    Errors: DataError where there are no arrays of numbers, or empty ones; UnknownNameError for an
    array that is not there.
    """
    import zarr as package

    try:
        group = package.open(str(path), mode="r")
    except Exception as error:  # of its codecs and of its files
        raise DataError(f"{path} cannot be read as Zarr: {error}") from error
    if isinstance(group, package.Array):
        return _of_group(path, {"": group}, None, rate, "zarr")
    found = {n: a for n, a in group.members(max_depth=None) if isinstance(a, package.Array)}
    return _of_group(path, found, dataset, rate, "zarr")


def open_hdf5(path: str, settings: Mapping[str, Any]) -> Any:
    """One data set of an HDF5 file, of which segments are read without reading the whole."""
    import h5py

    return h5py.File(path, "r")[settings["dataset"]]


def _of_group(
    path: Path,
    found: Mapping[str, Any],
    dataset: Sequence[str] | str | None,
    rate: float | None,
    kind: str,
) -> list[Outline]:
    if dataset is not None:
        names = [dataset] if isinstance(dataset, str) else list(dataset)
        for name in names:
            if name not in found:
                raise unknown_name(f"array of {path.name}", name, found)
        found = {name: found[name] for name in names}
    numeric = {n: a for n, a in sorted(found.items()) if a.dtype.kind in _NUMBERS and a.ndim}
    outlines = []
    for name, array in numeric.items():
        own = next((float(array.attrs[key]) for key in _RATE if key in array.attrs), None)
        hertz = own if rate is None else rate
        # A Zarr group is a folder, which no store refers to.
        file = InputFile(str(path), kind, {"dataset": name}) if kind == "hdf5" else None
        facts = Recording(
            rate=hertz,
            channels=_texts(array.attrs.get("channels", ())),
            units=_texts(array.attrs.get("units", ())),
            file=file,
        )
        times = (0.0, 1 / hertz if hertz else 1.0)
        title = path.stem if len(numeric) == 1 else f"{path.stem}/{name}"
        unit = "second" if hertz else ""
        outlines.append(_outline(path, title, array, facts, times, unit))
    return outlines


def _outline(
    path: Path,
    name: str,
    array: Any,
    facts: Recording,
    start_and_step: tuple[float, float],
    unit: str,
) -> Outline:
    if not hasattr(array, "dtype") or array.dtype.kind not in _NUMBERS or not array.ndim:
        raise DataError(f"{path} holds no array of real numbers; a series is [time, features]")
    if not array.size:
        raise DataError(f"{path} holds an empty array of shape {list(array.shape)}; leave it out")
    start, step = start_and_step

    def document() -> Document:
        values = np.array(array[...])
        if values.dtype != np.uint8:  # pixels stay bytes until the model reads them
            values = values.astype(np.float32)
        return Document(
            name,
            values=values,
            start=start,
            step=step,
            unit=unit,
            source=str(path),
            recording=facts,
        )

    about = (facts.rate, tuple(facts.channels), tuple(facts.units))
    return Outline(name, path, int(array.shape[0]), document, *about, start=start, step=step)


def _texts(values: Any) -> list[str]:
    return [v.decode() if isinstance(v, bytes) else str(v) for v in values]
