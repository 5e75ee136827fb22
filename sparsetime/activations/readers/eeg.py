"""EEG and MEG: EDF, BDF, BrainVision and FIF files, by the package mne."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sparsetime.activations.capture.document import Document
from sparsetime.activations.capture.recording import InputFile, Recording
from sparsetime.activations.readers.edf_header import check_edf
from sparsetime.activations.readers.reader import Outline, reader
from sparsetime.errors import DataError, unknown_name

_EDF = (".edf", ".bdf")
# Units of FIFF, in which mne returns values whatever the file's own unit is.
_UNITS = {107: "V", 112: "T", 201: "T/m", 101: "Hz", 3: "rad", 114: "S", 6: "mol"}


@reader("eeg", *_EDF, ".vhdr", ".fif", ".fif.gz", extra="eeg", package="mne")
def eeg(path: Path, *, channels: Sequence[str] | None = None) -> list[Outline]:
    """The channels of one recording, [samples, channels] in SI units (volts of an EEG).

    Channels of an EDF file in units such as % and degrees have the file's numbers, and no unit.

    channels: names of those to read, in this order; None: all. Annotations of the file become
    events, on a clock that begins with the first sample.

    Errors: DataError where the file is damaged or ends early; UnknownNameError for a channel that
    it does not have.
    """
    if path.suffix.lower() in _EDF:
        check_edf(path)
    raw = _opened(str(path))
    names = list(raw.ch_names if channels is None else channels)
    for name in names:
        if name not in raw.ch_names:
            raise unknown_name(f"channel of {path.name}", name, raw.ch_names)
    numbers = [raw.ch_names.index(name) for name in names]
    units = tuple(_unit(raw, number) for number in numbers)
    rate, length = float(raw.info["sfreq"]), int(raw.n_times)
    date = raw.info["meas_date"]
    facts = Recording(
        rate=rate,
        channels=names,
        units=units,
        date="" if date is None else date.isoformat(),
        file=InputFile(str(path), "eeg", {"channels": names}),
    )
    stem = path.name.removesuffix(".gz").rpartition(".")[0]
    events = _events(raw, length / rate)

    def document() -> Document:
        values = ChannelSlices(str(path), {"channels": names})[0:length]
        return Document(
            stem,
            values=values,
            step=1 / rate,
            unit="second",
            source=str(path),
            recording=facts,
            events=events,
        )

    found = (rate, tuple(names), units)
    return [Outline(stem, path, length, document, *found, step=1 / rate, events=events)]


class ChannelSlices:
    """Segments [samples, channels] of a recording, float32, read when they are asked for."""

    def __init__(self, path: str, settings: Mapping[str, Any]) -> None:
        self._raw = _opened(path)
        self._path = path
        names = settings.get("channels") or self._raw.ch_names
        self._numbers = [self._raw.ch_names.index(name) for name in names]
        self.shape: tuple[int, ...] = (int(self._raw.n_times), len(self._numbers))

    def __getitem__(self, segment: slice) -> np.ndarray[Any, Any]:
        start, stop, _ = segment.indices(self.shape[0])
        try:
            values, _times = self._raw[self._numbers, start:stop]
        except (ValueError, OSError, RuntimeError) as error:
            raise DataError(f"{self._path} is damaged: {error}; copy it again") from error
        return np.ascontiguousarray(values.T, dtype=np.float32)


def _opened(path: str) -> Any:
    import mne

    try:
        return mne.io.read_raw(path, preload=False, verbose="ERROR")
    except Exception as error:  # mne raises whatever its parsers meet in damaged bytes
        raise DataError(f"{path} cannot be read as a recording: {error}") from error


def _unit(raw: Any, number: int) -> str:
    """The unit of a channel's values; "" where mne does not know the file's own."""
    unit = _UNITS.get(int(raw.info["chs"][number]["unit"]), "")
    # mne calls all numbers of EDF and BrainVision volts, also percentages and degrees.
    own = str(raw._orig_units.get(raw.ch_names[number], unit))
    return unit if unit != "V" or own.endswith("V") else own.replace("n/a", "")


def _events(raw: Any, seconds: float) -> list[dict[str, Any]]:
    """The annotations within the recording, by onset."""
    notes = raw.annotations
    begin = raw.first_time if notes.orig_time is not None else 0.0
    rows = []
    for onset, duration, kind in zip(notes.onset, notes.duration, notes.description, strict=True):
        start, stop = max(float(onset) - begin, 0.0), float(onset + duration) - begin
        if start < seconds and stop >= 0:
            lasts = max(min(stop, seconds) - start, 0.0)
            rows.append({"onset": start, "duration": lasts, "trial_type": str(kind)})
    return sorted(rows, key=lambda row: float(row["onset"]))
