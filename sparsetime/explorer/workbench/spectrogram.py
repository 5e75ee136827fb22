"""Spectrogram of a sound: its level by time and frequency, for the lane over the timeline."""

from __future__ import annotations

import base64

import numpy as np

from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.workbench.documents import segment
from sparsetime.explorer.workbench.pictures import grey
from sparsetime.explorer.workbench.run_cache import RunCache

COLUMNS, BINS = 1000, 64
_WINDOW = 0.032  # seconds
_FLOOR = -70.0  # dB below the loudest of the segment
_AT_ONCE = 4  # windows averaged in a column that is longer than they are


class Spectrogram(FrozenRecord):
    """The level of a sound: column c lasts from step `begin` + c * `stride` on.

    levels: base64 of uint8 [bins, columns], the lowest frequency first: 255 for the loudest, 0 for
    `floor` dB below it. Bin b is around (b + 0.5) / bins * top Hz. Empty where there is no sound.
    """

    first: int
    stop: int
    begin: float = 0.0
    stride: float = 1.0
    columns: int = 0
    bins: int = 0
    top: float = 0.0  # Hz
    floor: float = _FLOOR
    levels: Text = ""


def spectrogram(
    opened: RunCache, key: str, sequence: int, first: int = 0, stop: int | None = None
) -> Spectrogram:
    """The power of a sound by time and frequency over the steps `first` to `stop` (exclusive).

    level = 10 log10 (mean over windows |FFT(w x)|^2), w a Hann window of 32 ms, up to half the
    rate. A column that lasts longer than a window is the mean of 4 windows, evenly spread in it.

    Errors: DataError for a sequence that was not indexed, and for steps that it does not have.
    """
    first, stop, _ = segment(opened, key, sequence, first, stop)
    source = opened.input(key, sequence)
    if source is None or not source.is_sound or source.rate is None:
        return Spectrogram(first=first, stop=stop)
    begin, end = source.steps_of(first, stop)
    window = max(32, 2 ** round(np.log2(_WINDOW * source.rate)))
    columns = max(1, min(COLUMNS, 4 * (end - begin) // window))
    width = (end - begin) / columns
    windows = _AT_ONCE if width > window else 1
    places = (np.arange(columns * windows) + 0.5) * width / windows + begin - window / 2
    power = np.zeros((columns, window // 2 + 1))
    hann = np.hanning(window)
    for at, place in enumerate(np.rint(places).astype(int).tolist()):
        a, b = max(0, place), min(source.shape[0], place + window)
        values = source.read(a, b).reshape(b - a, -1).mean(1, dtype=np.float64)
        padded = np.zeros(window)
        padded[a - place : b - place] = np.nan_to_num(values)
        power[at // windows] += np.abs(np.fft.rfft(hann * padded)) ** 2 / windows
    bins = min(BINS, window // 2)
    edges = np.linspace(1, window // 2 + 1, bins + 1).astype(int)[:-1]
    joined = np.add.reduceat(power, edges, axis=1).T / np.diff([*edges, window // 2 + 1])[:, None]
    loudest = float(joined.max()) or 1.0
    level = 10 * np.log10(np.maximum(joined / loudest, 1e-12))
    return Spectrogram(
        first=first,
        stop=stop,
        begin=source.row_of(begin),
        stride=width / source.per_row,
        columns=columns,
        bins=bins,
        top=source.rate / 2,
        levels=base64.b64encode(grey(level, _FLOOR, 0.0).tobytes()).decode(),
    )
