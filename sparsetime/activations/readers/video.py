"""Video: frames of mp4, mkv, avi, mov and webm files, by the package av."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sparsetime.activations.capture.document import Document
from sparsetime.activations.capture.recording import InputFile, Recording
from sparsetime.activations.readers.reader import Outline, reader
from sparsetime.errors import ConfigError, DataError


@reader("video", ".mp4", ".mkv", ".avi", ".mov", ".webm", ".m4v", extra="video", package="av")
def video(path: Path, *, size: tuple[int, int] | None = None, every: int = 1) -> list[Outline]:
    """The frames of one video, uint8 [frames, height, width, 3] (RGB).

    size: height and width to scale to; None: as they are. every: n keeps the
    first of each n frames.

    Errors: DataError for a file that is no video, has no frames, or whose frames are damaged;
    ConfigError for settings out of range.
    """
    if every < 1 or (size is not None and min(size) < 1):
        raise ConfigError(f"got size={size} and every={every}, expected numbers from 1 on")
    settings = {"size": None if size is None else list(size), "every": every}
    frames = VideoFrames(str(path), settings)
    rate = frames.rate / every
    facts = Recording(rate=rate, file=InputFile(str(path), "video", settings))

    def document() -> Document:
        return Document(
            path.stem,
            values=frames[0 : frames.shape[0]],
            step=1 / rate,
            unit="second",
            source=str(path),
            recording=facts,
        )

    return [Outline(path.stem, path, frames.shape[0], document, rate, step=1 / rate)]


class VideoFrames:
    """Segments [frames, height, width, 3] of a video, decoded when they are asked for.

    A segment is decoded from the key frame before it.
    """

    def __init__(self, path: str, settings: Mapping[str, Any]) -> None:
        self._path = path
        self._size, self._every = settings.get("size"), int(settings.get("every", 1))
        with self._container() as container:
            stream = self._stream(container)
            self.rate = float(stream.average_rate or stream.guessed_rate or 0)
            height, width = self._size or (stream.height, stream.width)
            # The number in the header is 0 or wrong in some containers; packets are cheap to count.
            times = sorted(p.pts for p in container.demux(stream) if p.pts is not None and p.size)
        if not times or self.rate <= 0:
            raise DataError(f"{path} has no video frames; leave it out")
        self._times = times
        seconds = np.asarray(times) * float(stream.time_base or 0)
        off = np.abs(seconds - seconds[0] - np.arange(len(times)) / self.rate).max()
        if off * self.rate > 1:
            warnings.warn(
                f"{path} has frames up to {off:.2g} s off an even {self.rate:g} a second; their "
                "times are taken as even",
                stacklevel=2,
            )
        self.shape: tuple[int, ...] = (-(-len(times) // self._every), height, width, 3)

    def __getitem__(self, segment: slice) -> np.ndarray[Any, Any]:
        start, stop, _ = segment.indices(self.shape[0])
        wanted = range(start * self._every, min(stop * self._every, len(self._times)), self._every)
        out = np.empty((len(wanted), *self.shape[1:]), dtype=np.uint8)
        filled = 0
        for number, frame in self._decoded(wanted):
            if number in wanted:
                height, width = self.shape[1:3]
                out[filled] = frame.to_ndarray(format="rgb24", height=height, width=width)
                filled += 1
            if filled == len(wanted):
                return out
        raise DataError(
            f"{self._path} is damaged: {len(wanted)} frames were read for, {filled} could be "
            "decoded; copy it again"
        )

    def _decoded(self, wanted: range) -> Iterator[tuple[int, Any]]:
        """Frames from the key frame before the first wanted one, with their numbers."""
        import av

        number_of = {time: number for number, time in enumerate(self._times)}
        with self._container() as container:
            stream = self._stream(container)
            if wanted and wanted[0]:
                container.seek(self._times[wanted[0]], stream=stream, backward=True)
            try:
                for frame in container.decode(stream):
                    if frame.pts in number_of:
                        yield number_of[frame.pts], frame
            except av.error.FFmpegError as error:
                raise DataError(f"{self._path} is damaged: {error}; copy it again") from error

    def _container(self) -> Any:
        import av

        try:
            return av.open(self._path)
        except (av.error.FFmpegError, OSError) as error:
            raise DataError(f"{self._path} cannot be read as a video: {error}") from error

    def _stream(self, container: Any) -> Any:
        if not container.streams.video:
            raise DataError(f"{self._path} has no video frames; leave it out")
        return container.streams.video[0]
