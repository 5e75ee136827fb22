"""Speakers, and the synthesis of their sounds from a source and resonators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.signal import lfilter

from sparsetime import seeds
from sparsetime.testbeds.speech.sounds import SpeechSound

#: Samples a second.
RATE = 16_000
_BLOCK = 80  # samples with one set of resonators: 5 ms
_GLIDE = 0.03  # seconds in which formants move from one sound to the next
_BURST = 0.015  # seconds
_LOUDNESS = 10**-1.5  # root mean square
_HIGHER = (3500.0, 4500.0)  # formants that no sound moves


@final
@dataclass(frozen=True)
class Speaker:
    """A voice. pitch: mean fundamental frequency in Hz. tract: formants over those of the table.

    tempo: durations over those of the table. tilt: fall of the source in dB an octave. breath:
    noise of the source as a share of it. jitter: deviation of the length of periods, as a share.
    """

    name: str
    pitch: float
    tract: float
    tempo: float
    tilt: float
    breath: float
    jitter: float


@final
@dataclass(frozen=True)
class Segment:
    """One sound of an utterance: onset and duration in seconds; None is a pause."""

    onset: float
    duration: float
    sound: SpeechSound | None


def speaker(number: int, seed: int = 0) -> Speaker:
    """A speaker; even numbers have low voices and long vocal tracts, odd ones high and short."""
    draw = seeds.numpy_generator(seed, "voices", number)
    high = number % 2
    return Speaker(
        f"speaker {number:02d}",
        pitch=float(draw.uniform(*((165.0, 250.0) if high else (85.0, 145.0)))),
        tract=float(draw.uniform(*((1.08, 1.25) if high else (0.92, 1.05)))),
        tempo=float(draw.uniform(0.8, 1.25)),
        tilt=float(draw.uniform(6.0, 14.0)),
        breath=float(draw.uniform(0.005, 0.06)),
        jitter=float(draw.uniform(0.002, 0.02)),
    )


def synthesised(
    segments: Sequence[Segment], voice: Speaker, samples: int, draw: np.random.Generator
) -> Float[np.ndarray, " samples"]:
    """The waveform of segments: a voiced source through five resonators in a row, and noise.

        y = R_5 * ... * R_1 * source + sum of band noise,  R(z) = (1 - b - c) / (1 - b z⁻¹ - c z⁻²)

    The fundamental falls over the utterance and wavers; formants glide in 30 ms.

    Source: Klatt 1980, Software for a cascade/parallel formant synthesizer.
    """
    voiced = _source(voice, samples, draw) * _loudness(segments, samples)
    tracks = _formants(segments, voice, samples)
    for track in tracks:
        voiced = _resonated(voiced, track)
    noise = np.zeros(samples)
    for one in segments:
        if one.sound is not None and one.sound.noise is not None:
            _add_noise(noise, one, voice, draw)
    voiced /= max(float(np.abs(voiced).max()), 1e-9)
    mixed = voiced + noise + 0.001 * draw.normal(size=samples)
    loud: NDArray[np.float32] = (_LOUDNESS * mixed / mixed.std()).astype(np.float32)
    return loud


def _source(voice: Speaker, samples: int, draw: np.random.Generator) -> NDArray[np.float64]:
    """Pulses of the glottis with breath, filtered to the speaker's tilt."""
    time = np.arange(samples) / RATE
    knots = np.arange(0.0, time[-1] + 0.5, 0.3)
    slow = np.interp(time, knots, draw.normal(size=len(knots)))
    pitch = voice.pitch * (1.06 - 0.12 * time / max(time[-1], 1e-9)) * np.exp(0.05 * slow)
    phase = np.cumsum(pitch / RATE)
    periods = np.flatnonzero(np.diff(np.floor(phase), prepend=-1) > 0)
    moved = periods + np.round(draw.normal(size=len(periods)) * voice.jitter * RATE / voice.pitch)
    pulses = np.zeros(samples)
    pulses[np.clip(moved, 0, samples - 1).astype(int)] = 1.0
    breath = voice.breath * draw.normal(size=samples)
    # One pole at c falls 6 dB an octave; two, mixed by the speaker's tilt, up to 12.
    once = lfilter([1.0], [1.0, -0.95], pulses + breath)
    twice = lfilter([0.3], [1.0, -0.7], once)
    share = (voice.tilt - 6.0) / 8.0
    mixed: NDArray[np.float64] = (1 - share) * once + share * twice
    return np.diff(mixed, prepend=0.0)  # the lips radiate the derivative


def _loudness(segments: Sequence[Segment], samples: int) -> NDArray[np.float64]:
    """Loudness of the voiced source, with ramps of 10 ms."""
    level = np.zeros(samples)
    for one in segments:
        if one.sound is not None and one.sound.voiced:
            begin, end = round(one.onset * RATE), round((one.onset + one.duration) * RATE)
            level[begin:end] = 10 ** (one.sound.loudness / 20)
    ramp = np.hanning(RATE // 100)
    smooth: NDArray[np.float64] = np.convolve(level, ramp / ramp.sum(), mode="same")
    return smooth


def _formants(
    segments: Sequence[Segment], voice: Speaker, samples: int
) -> list[NDArray[np.float64]]:
    """Frequency of each resonator at each block of 5 ms."""
    blocks = (np.arange(-(-samples // _BLOCK)) + 0.5) * _BLOCK / RATE
    spoken = [one for one in segments if one.sound is not None and one.sound.voiced]
    tracks = []
    for i in range(3):
        times, values = [], []
        for one in spoken:
            assert one.sound is not None
            edge = min(_GLIDE / 2, one.duration / 2)
            times += [one.onset + edge, one.onset + one.duration - edge]
            values += [one.sound.formants[i]] * 2
        neutral = [500.0 * (2 * i + 1)]
        tracks.append(voice.tract * np.interp(blocks, times or [0.0], values or neutral))
    higher = [np.full(len(blocks), min(voice.tract * hertz, 0.46 * RATE)) for hertz in _HIGHER]
    return [*tracks, *higher]


def _resonated(source: NDArray[np.float64], track: NDArray[np.float64]) -> NDArray[np.float64]:
    """The source through one resonator whose frequency changes from block to block."""
    out, state = np.empty_like(source), np.zeros(2)
    for block, hertz in enumerate(track):
        radius = np.exp(-np.pi * (50.0 + hertz / 25.0) / RATE)  # bandwidth grows with frequency
        b, c = 2 * radius * np.cos(2 * np.pi * hertz / RATE), -(radius**2)
        piece = slice(block * _BLOCK, (block + 1) * _BLOCK)
        out[piece], state = lfilter([1 - b - c], [1.0, -b, -c], source[piece], zi=state)
    return out


def _add_noise(
    noise: NDArray[np.float64], one: Segment, voice: Speaker, draw: np.random.Generator
) -> None:
    """Noise of a fricative over its duration, or the burst at the end of a stop."""
    assert one.sound is not None and one.sound.noise is not None
    centre, width = (voice.tract * hertz for hertz in one.sound.noise)
    stop = one.sound.manner == "stop"
    end = one.onset + one.duration
    begin = round((end - _BURST if stop else one.onset) * RATE)
    length = min(round(end * RATE), len(noise)) - begin
    spectrum = np.fft.rfft(draw.normal(size=length))
    hertz = np.fft.rfftfreq(length, 1 / RATE)
    shaped = np.fft.irfft(spectrum * np.exp(-(((hertz - centre) / width) ** 2)), length)
    window = np.minimum(1.0, np.minimum(np.arange(length), np.arange(length)[::-1]) / 60)
    shaped *= window / max(float(np.abs(shaped).max()), 1e-9)
    noise[begin : begin + length] += shaped * (0.5 if stop else 0.3)
