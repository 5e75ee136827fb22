"""The input of a sequence as a WAV file of 16-bit samples, made as it is read, by ranges."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import final

import numpy as np

from sparsetime.errors import DataError
from sparsetime.explorer.workbench.input_source import InputSource
from sparsetime.explorer.workbench.run_cache import RunCache

HEADER = 44  # bytes
MOST_BYTES = 2**20  # of an answer to a range without an end
_LOUDEST = 0.9 * 32767
_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


@final
@dataclass(frozen=True)
class Sound:
    """A WAV file (RIFF, PCM of 16 bits) of a series of one channel or two.

    peak: the largest absolute value of the series, which becomes 90% of full scale, so that a
    quiet recording can be heard.
    """

    source: InputSource
    peak: float

    @property
    def channels(self) -> int:
        """One or two."""
        return self.source.shape[1] if len(self.source.shape) == 2 else 1

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return HEADER + 2 * self.channels * self.source.shape[0]

    @property
    def header(self) -> bytes:
        """The first 44 bytes."""
        rate, block = round(self.source.rate or 0), 2 * self.channels
        data = self.size - HEADER
        riff = b"RIFF" + struct.pack("<I", HEADER - 8 + data) + b"WAVEfmt "
        form = struct.pack("<IHHIIHH", 16, 1, self.channels, rate, rate * block, block, 16)
        return riff + form + b"data" + struct.pack("<I", data)

    def read(self, first: int, stop: int) -> bytes:
        """The bytes `first` to `stop` (exclusive) of the file."""
        head = self.header[first:stop]
        block = 2 * self.channels
        a, b = max(0, first - HEADER), max(0, stop - HEADER)
        samples = self.source.read(a // block, min(-(-b // block), self.source.shape[0]))
        values = np.nan_to_num(samples.astype(np.float64)) * (_LOUDEST / (self.peak or 1.0))
        data = np.rint(np.clip(values, -32767, 32767)).astype("<i2").tobytes()
        skipped = a // block * block
        return head + data[a - skipped : b - skipped]


def sound(opened: RunCache, key: str, sequence: int) -> Sound:
    """The sound of a sequence.

    Errors: DataError where the input was not kept, or is no sound; those of reading it.
    """
    source = opened.input(key, sequence)
    if source is None or not source.is_sound:
        raise DataError(
            f"sequence {sequence} has no sound: that needs an input of one or two channels at a "
            f"known rate, kept by sparsetime capture --keep-input"
        )
    pyramid = opened.pyramid(key, sequence)
    return Sound(source, float(max(np.abs(pyramid.least).max(), np.abs(pyramid.most).max())))


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """The bytes that a Range header asks for, first and one past the last; None for the whole file.

    A range without an end is answered in part: the browser asks for the rest. Several ranges at
    once, and headers that say no range, are answered by the whole file, as RFC 9110 permits.

    Errors: DataError for a range beyond the end.
    """
    asked = _RANGE.match((header or "").replace(" ", ""))
    if asked is None or asked[0] == "bytes=-":
        return None
    first, last = asked[1], asked[2]
    if not first:
        begin, end = max(0, size - int(last)), size
    else:
        begin = int(first)
        end = min(size, int(last) + 1) if last else min(size, begin + MOST_BYTES)
    if begin >= end:
        raise DataError(f"got the range {header!r}, expected one within {size:,} bytes")
    return begin, end
