"""Mean input when a feature fires, against a null: the spike-triggered average and its spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int

from sparsetime import seeds
from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.workbench.feature import check_feature
from sparsetime.explorer.workbench.feature_rhythm import busiest_sequences
from sparsetime.explorer.workbench.input_pyramid import series_values
from sparsetime.explorer.workbench.input_source import InputSource
from sparsetime.explorer.workbench.pictures import as_pictures, grey, is_frames, picture_address
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.explorer.workbench.sensor_places import SensorPlaces, sensor_places

SEQUENCES, MOST_STEPS, MOST_NUMBERS = 8, 200_000, 16_000_000
MOMENTS = 400  # active steps that are averaged, evenly spread over all
SHIFTS = 19  # of the null
ROWS = 16  # on each side of an active step
_AT_ONCE = 4_000_000  # numbers of windows in memory
_COLUMNS = 256  # input steps of a window; of more, means of neighbours
_SIDE = 144  # pixels of a picture


class TriggeredAverage(FrozenRecord):
    """The mean input around the steps on which a feature is active.

    kind: "series", "frames", or "none" where no input was kept. Of a series, mean [channels, lags],
    and z the same less the mean of 19 circular shifts of the active steps within their sequences,
    over the standard deviation of these; times: of the lags, in `unit` from the step's beginning.
    spectrum: mean amplitude over windows and channels at `frequencies`, in Hz or cycles an input
    step; null_low and null_high: least and greatest of the shifts. Of frames, pictures of the mean
    and of z, dark below and light above the null; largest_z: the largest size of z.
    sensors: where the channels of an EEG are on the head, or why that is unknown.
    moments: active steps that were averaged; sequences: how many they are of. reason: why there is
    nothing of an input that was kept; empty otherwise.
    """

    kind: Text = "none"
    channels: tuple[Text, ...] = ()
    units: tuple[Text, ...] = ()
    times: tuple[float, ...] = ()
    unit: Text = ""
    mean: tuple[tuple[float, ...], ...] = ()
    z: tuple[tuple[float, ...], ...] = ()
    frequencies: tuple[float, ...] = ()
    frequency_unit: Text = ""
    spectrum: tuple[float, ...] = ()
    null_low: tuple[float, ...] = ()
    null_high: tuple[float, ...] = ()
    mean_picture: Text = ""
    z_picture: Text = ""
    largest_z: float = 0.0
    sensors: SensorPlaces = SensorPlaces()
    moments: int = 0
    sequences: int = 0
    reason: Text = ""


@final
@dataclass(frozen=True)
class _Part:
    """The input of one sequence and the rows on which the feature is active in it."""

    source: InputSource
    rows: Int[np.ndarray, " active"]
    length: int


def triggered_average(opened: RunCache, key: str, number: int) -> TriggeredAverage:
    """mean_t x(t + lag) over the steps t on which the feature is active, and z against shifts of t.

    Source: reverse correlation, de Boer and Kuyper 1968, "Triggered correlation".

    Errors: UnknownNameError for a dictionary that the run does not show; ConfigError for a
    feature that does not exist; those of reading the input.
    """
    check_feature(opened, key, number)
    events = opened.feature_events(key, number)
    parts = []
    for sequence in busiest_sequences(opened, key, number, SEQUENCES, MOST_STEPS):
        source = opened.input(key, sequence)
        if source is None or np.prod(source.shape) > MOST_NUMBERS:
            continue
        rows = np.sort(events.position[events.sequence == sequence])
        parts.append(_Part(source, rows, opened.dictionary(key).index.length(sequence)))
    if not parts:
        return TriggeredAverage()
    # Recordings of one kind: a run may hold series and frames.
    parts = [part for part in parts if part.source.shape[1:] == parts[0].source.shape[1:]]
    total = sum(len(part.rows) for part in parts)
    every = -(-total // MOMENTS)
    parts = [_Part(part.source, part.rows[::every], part.length) for part in parts]
    if is_frames(parts[0].source.shape):
        return _frames(parts)
    if not parts[0].source.is_series:
        return TriggeredAverage()
    time = opened.dictionary(key).words.time
    return _series(parts, time.step if time else 1.0, time.unit if time else "steps")


def _shifted(parts: list[_Part]) -> list[list[Int[np.ndarray, " active"]]]:
    """The active rows of every part, then 19 circular shifts of them within their sequences."""
    shifted = [[part.rows for part in parts]]
    for n in range(SHIFTS):
        rng = seeds.numpy_generator(0, "shifted activity", n)
        # At least a twentieth of the sequence, or the shift would keep what it is to lose.
        shares = 0.05 + 0.9 * rng.random(len(parts))
        shifted.append(
            [
                (part.rows + max(1, int(share * part.length))) % part.length
                for part, share in zip(parts, shares, strict=True)
            ]
        )
    return shifted


def _series(parts: list[_Part], step: float, unit: str) -> TriggeredAverage:
    first = parts[0].source
    side = max(1, round(ROWS * first.per_row))
    window = 2 * side + max(1, round(first.per_row))
    lag = np.arange(window) - side
    inputs = [np.nan_to_num(series_values(part.source, 0, part.source.shape[0])) for part in parts]
    parts = [part for part, values in zip(parts, inputs, strict=True) if len(values) >= window]
    inputs = [values for values in inputs if len(values) >= window]
    if not parts:
        return TriggeredAverage(reason=f"No recording has the {window} input steps of a window.")
    means, amplitudes = [], []
    taper = np.hanning(window + 2)[1:-1]
    for rows in _shifted(parts):
        total: Float[np.ndarray, "lags channels"] = np.zeros((window, inputs[0].shape[1]))
        power = np.zeros(window // 2 + 1)
        count = 0
        for values, part, active in zip(inputs, parts, rows, strict=True):
            begins = np.ceil((active - part.source.begin) * part.source.per_row - 1e-6).astype(int)
            inside = begins[(begins >= side) & (begins + window - side <= len(values))]
            windows = np.lib.stride_tricks.sliding_window_view(values, window, axis=0)
            for some in np.array_split(
                inside - side, 1 + len(inside) * windows[0].size // _AT_ONCE
            ):
                pieces = windows[some]  # a copy, [some, channels, window]
                total += pieces.sum(0).T
                centred = (pieces - pieces.mean(2, keepdims=True)) * taper
                power += np.abs(np.fft.rfft(centred)).mean(1).sum(0)
            count += len(inside)
        means.append(total / max(count, 1))
        amplitudes.append(power / max(count, 1))
    mean, null = means[0], np.stack(means[1:])
    z = (mean - null.mean(0)) / np.maximum(null.std(0, ddof=1), 1e-12)
    stride = -(-window // _COLUMNS)
    hertz = first.rate is not None
    frequencies = np.fft.rfftfreq(window, 1 / first.rate if first.rate else 1.0)
    shifts = np.stack(amplitudes[1:])
    scale = 2 / taper.sum()
    names = first.channels or tuple(f"channel {i}" for i in range(mean.shape[1]))
    return TriggeredAverage(
        kind="series",
        channels=names,
        units=first.units,
        times=tuple((lag[::stride] / first.per_row * step).tolist()),
        unit=unit,
        mean=_thinned(mean, stride),
        z=_thinned(z, stride),
        frequencies=tuple(frequencies.tolist()),
        frequency_unit="Hz" if hertz else "cycles an input step",
        spectrum=tuple((amplitudes[0] * scale).tolist()),
        null_low=tuple((shifts.min(0) * scale).tolist()),
        null_high=tuple((shifts.max(0) * scale).tolist()),
        sensors=sensor_places(first.channels, first.units),
        moments=sum(len(part.rows) for part in parts),
        sequences=len(parts),
    )


def _thinned(
    values: Float[np.ndarray, "lags channels"], stride: int
) -> tuple[tuple[float, ...], ...]:
    edges = np.arange(0, len(values), stride)
    counts = np.diff([*edges, len(values)])[:, None]
    thinned = np.add.reduceat(values, edges, axis=0) / counts
    return tuple(tuple(float(f"{v:.5g}") for v in channel) for channel in thinned.T.tolist())


def _frames(parts: list[_Part]) -> TriggeredAverage:
    whole = []
    for part in parts:
        frames = part.source.read(0, part.source.shape[0])
        pictures = as_pictures(frames, float(np.nanmin(frames)), float(np.nanmax(frames)))
        whole.append(pictures.astype(np.float32))
    means = []
    for rows in _shifted(parts):
        total, count = np.zeros(whole[0].shape[1:], np.float64), 0
        for pictures, part, active in zip(whole, parts, rows, strict=True):
            frame = np.floor((active - part.source.begin) * part.source.per_row + 1e-6).astype(int)
            frame = frame[(frame >= 0) & (frame < len(pictures))]
            total += pictures[frame].sum(0)
            count += len(frame)
        means.append(total / max(count, 1))
    null = np.stack(means[1:])
    z = (means[0] - null.mean(0)) / np.maximum(null.std(0, ddof=1), 1e-3)
    z = z.mean(-1) if z.ndim == 3 else z
    largest = float(np.abs(z).max())
    return TriggeredAverage(
        kind="frames",
        mean_picture=picture_address(np.rint(means[0]).astype(np.uint8), _SIDE),
        z_picture=picture_address(grey(z, -largest, largest), _SIDE),
        largest_z=largest,
        moments=sum(len(part.rows) for part in parts),
        sequences=len(parts),
    )
