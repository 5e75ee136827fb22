"""Melodies of made instruments, one note at a time, with the onset and the name of every note."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from sparsetime import seeds
from sparsetime.activations.capture.document import Document
from sparsetime.activations.capture.recording import Recording
from sparsetime.errors import ConfigError

#: Samples a second.
RATE = 16_000
#: MIDI numbers of the notes that melodies are drawn from: three octaves from A2 on.
NOTES = range(45, 82)
_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_PARTIALS = 12
_LOUDNESS = 0.2


@final
@dataclass(frozen=True)
class Note:
    """One note: onset and duration in seconds, MIDI number and name ("A4" is 440 Hz)."""

    onset: float
    duration: float
    midi: int

    @property
    def name(self) -> str:
        return note_name(self.midi)

    @property
    def hertz(self) -> float:
        return note_hertz(self.midi)


@final
@dataclass(frozen=True, eq=False)
class Melody:
    """A recording of one instrument. audio: float32 [samples] at 16 kHz. notes: in order."""

    id: str
    audio: Float[np.ndarray, " samples"]
    notes: tuple[Note, ...]
    instrument: str

    @property
    def document(self) -> Document:
        """The recording as data of a capture, with its instrument as label."""
        return Document(
            self.id,
            values=self.audio,
            labels={"instrument": self.instrument},
            recording=Recording(rate=RATE),
            source="melodies",
        )

    @property
    def events(self) -> list[dict[str, Any]]:
        """The notes as rows of an events table: id, onset, duration, trial_type."""
        return [
            {"id": self.id, "onset": n.onset, "duration": n.duration, "trial_type": n.name}
            for n in self.notes
        ]

    def names_at(self, times: Float[np.ndarray, " times"]) -> list[str | None]:
        """The name of the note that sounds at each time in seconds; None in a pause."""
        onsets = np.array([note.onset for note in self.notes])
        found = np.searchsorted(onsets, times, side="right") - 1
        ends = np.array([note.onset + note.duration for note in self.notes])
        sounding = (found >= 0) & (times < ends[found])
        return [self.notes[i].name if on else None for i, on in zip(found, sounding, strict=True)]


def melodies(
    count: int = 40, seconds: float = 10.0, notes: Sequence[int] = NOTES, seed: int = 0
) -> list[Melody]:
    """Recordings of random notes, each of one instrument, for `seconds` seconds.

        x(t) = sum_n e_n(t) sum_p a_p sin(2π p (1 + d) f_n t) + noise

    An instrument is a draw of amplitudes a_p of 12 partials, attack, decay, vibrato and noise,
    and a tuning d of at most 10 cents; it differs between recordings. A note lasts 0.3 to 0.9
    seconds and is followed by a pause of 20 to 150 ms. Recording i depends on the seed and on i
    alone.

    Errors: ConfigError for no recordings, notes or time, or notes above half of the sampling rate.
    """
    if count < 1 or seconds < 1 or not len(notes):
        raise ConfigError(
            f"got count={count}, seconds={seconds}, {len(notes)} notes; expected at least one "
            "recording of one second, and one note"
        )
    if note_hertz(max(notes)) > RATE / 4:
        raise ConfigError(
            f"got the note {max(notes)} ({note_hertz(max(notes)):.0f} Hz), expected at most "
            f"{RATE / 4:.0f} Hz"
        )
    return [_melody(number, seconds, list(notes), seed) for number in range(count)]


def note_name(midi: int) -> str:
    """The name of a MIDI number: 69 is "A4"."""
    return f"{_NAMES[midi % 12]}{midi // 12 - 1}"


def note_hertz(midi: int) -> float:
    """The frequency of a MIDI number in equal temperament, in Hz: 69 is 440."""
    return 440.0 * math.exp2((midi - 69) / 12)


def _melody(number: int, seconds: float, choice: list[int], seed: int) -> Melody:
    draw = seeds.numpy_generator(seed, "melodies", number)
    amplitudes = draw.exponential(size=_PARTIALS) / np.arange(1, _PARTIALS + 1) ** draw.uniform(
        0.5, 2
    )
    amplitudes[0] = max(amplitudes[0], amplitudes.max() / 4)
    attack, decay = draw.uniform(0.005, 0.04), draw.uniform(0.3, 3.0)
    tuning = 2.0 ** (draw.uniform(-10, 10) / 1200)
    vibrato, speed = draw.uniform(0, 8) / 1200 * np.log(2), draw.uniform(4, 7)
    audio = np.zeros(round(seconds * RATE))
    notes, onset = [], draw.uniform(0.05, 0.3)
    while True:
        duration = draw.uniform(0.3, 0.9)
        if onset + duration > seconds - 0.05:
            break
        note = Note(float(onset), float(duration), int(draw.choice(choice)))
        begin = round(onset * RATE)
        time = np.arange(round(duration * RATE)) / RATE
        wobble = vibrato * np.sin(2 * np.pi * speed * time) / (2 * np.pi * speed)
        phase = 2 * np.pi * note.hertz * tuning * (time + wobble)
        sound = _partials(phase, amplitudes, note.hertz) * _envelope(time, attack, decay)
        audio[begin : begin + len(sound)] += sound * draw.uniform(0.6, 1.0)
        notes.append(note)
        onset += duration + draw.uniform(0.02, 0.15)
    audio *= _LOUDNESS / max(audio.std(), 1e-9)
    audio += draw.normal(size=len(audio)) * _LOUDNESS * 10 ** draw.uniform(-3, -1.5)
    name = f"melody {number:03d}"
    return Melody(name, audio.astype(np.float32), tuple(notes), f"instrument {number:03d}")


def _partials(
    phase: NDArray[np.float64], amplitudes: NDArray[np.float64], hertz: float
) -> NDArray[np.float64]:
    """The sum of partials below half of the sampling rate."""
    below = int(RATE / 2 / hertz)
    orders = np.arange(1, min(_PARTIALS, below) + 1)
    summed: NDArray[np.float64] = amplitudes[: len(orders)] @ np.sin(orders[:, None] * phase)
    return summed


def _envelope(time: NDArray[np.float64], attack: float, decay: float) -> NDArray[np.float64]:
    """A rise, an exponential decay, and a fall within the last 20 ms."""
    rise = np.minimum(time / attack, 1.0)
    fall = np.minimum((time[-1] - time) / 0.02, 1.0)
    shape: NDArray[np.float64] = rise * fall * np.exp(-time / decay)
    return shape
