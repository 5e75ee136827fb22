"""Sound: wav, flac, ogg, mp3 and aiff files, by the package soundfile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sparsetime.activations.capture.document import Document
from sparsetime.activations.capture.recording import InputFile, Recording
from sparsetime.activations.readers.reader import Outline, reader
from sparsetime.errors import DataError

_UNIT = "second"


@reader(
    "audio", ".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif", extra="audio", package="soundfile"
)
def audio(path: Path) -> list[Outline]:
    """The sound of one file, [samples, channels] between -1 and 1.

    Errors: DataError where the file is no sound, is empty, or ends before its header says.
    """
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            rate, frames, count = file.samplerate, file.frames, file.channels
            if not frames:
                raise DataError(f"{path} holds no samples; leave it out")
            file.seek(frames - 1)
            if len(file.read(1)) != 1:
                raise DataError(f"{path} ends before its {frames:,} samples; copy it again")
    except soundfile.LibsndfileError as error:
        raise DataError(f"{path} cannot be read as sound: {error}") from error
    channels = tuple(f"channel {n + 1}" for n in range(count)) if count > 1 else ()
    facts = Recording(rate=rate, channels=channels, file=InputFile(str(path), "audio"))

    def document() -> Document:
        values = SoundSlices(str(path))[0:frames]
        return Document(
            path.stem,
            values=values,
            step=1 / rate,
            unit=_UNIT,
            source=str(path),
            recording=facts,
        )

    return [Outline(path.stem, path, frames, document, rate, channels, step=1 / rate)]


class SoundSlices:
    """Segments of a sound file, [samples] or [samples, channels], read when they are asked for."""

    def __init__(self, path: str, settings: Any = None) -> None:
        import soundfile

        self._path = path
        about = soundfile.info(path)
        own = () if about.channels == 1 else (about.channels,)
        self.shape: tuple[int, ...] = (about.frames, *own)

    def __getitem__(self, segment: slice) -> np.ndarray[Any, Any]:
        import soundfile

        start, stop, _ = segment.indices(self.shape[0])
        try:
            values, _rate = soundfile.read(self._path, start=start, stop=stop, dtype="float32")
        except soundfile.LibsndfileError as error:
            raise DataError(f"{self._path} cannot be read as sound: {error}") from error
        if len(values) != stop - start:
            raise DataError(
                f"{self._path} is damaged: {stop - start:,} samples were read for, "
                f"{len(values):,} came; copy it again"
            )
        return np.asarray(values)
