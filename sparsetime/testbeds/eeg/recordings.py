"""EEG of made subjects: background, rhythms of known times, and responses to known events."""

from __future__ import annotations

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
RATE = 256
#: Eight electrodes of the 10-20 system, from the front to the back of the head.
CHANNELS = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "O1", "O2")
# Where each planted thing is seen: weights of the channels, in microvolts.
_BLINK = np.array([90.0, 90.0, 30.0, 30.0, 5.0, 5.0, 0.0, 0.0])
_ALPHA = np.array([2.0, 2.0, 4.0, 4.0, 8.0, 8.0, 22.0, 22.0])
_SPINDLE = np.array([4.0, 4.0, 12.0, 12.0, 22.0, 22.0, 6.0, 6.0])
_RESPONSE = np.array([3.0, 3.0, 7.0, 7.0, 12.0, 12.0, 4.0, 4.0])
_BACKGROUND = 8.0  # deviation in microvolts
_GAP = 0.4  # seconds between two events at least


@final
@dataclass(frozen=True, eq=False)
class EEGRecording:
    """One subject. values: float32 [samples, 8] in microvolts. events: rows of an events table.

    trial_type of events: "blink", "spindle" (a burst of 12 to 14 Hz), "alpha" (a rhythm of 9 to 11
    Hz while the eyes are closed), "tone" (a response 300 ms after its onset).
    """

    id: str
    values: Float[np.ndarray, "samples channels"]
    events: tuple[dict[str, Any], ...]
    group: str

    @property
    def document(self) -> Document:
        """The recording as data of a capture, with its group as label."""
        return Document(
            self.id,
            values=self.values,
            labels={"group": self.group},
            recording=Recording(rate=RATE, channels=CHANNELS, units=("uV",) * len(CHANNELS)),
            source="made EEG",
        )


def eeg_recordings(subjects: int = 8, seconds: float = 60.0, seed: int = 0) -> list[EEGRecording]:
    """Recordings of subjects, of whom every second, in the group "patient", has half the spindles.

        x_c(t) = background_c(t) + sum_e w_c s_e(t - onset_e)

    The background has a spectrum of 1/f and is half common to all channels. Events are drawn at
    random, without overlap of two of a kind. Subject i depends on the seed and on i alone.

    Errors: ConfigError for no subjects or less than ten seconds.
    """
    if subjects < 1 or seconds < 10:
        raise ConfigError(
            f"got subjects={subjects}, seconds={seconds}; expected at least one subject of ten "
            "seconds"
        )
    return [_recording(number, seconds, seed) for number in range(subjects)]


def _recording(number: int, seconds: float, seed: int) -> EEGRecording:
    draw = seeds.numpy_generator(seed, "EEG", number)
    samples = round(seconds * RATE)
    name, group = f"subject {number:02d}", ("control", "patient")[number % 2]
    common, own = _pink(samples, 1, draw), _pink(samples, len(CHANNELS), draw)
    values = _BACKGROUND * np.sqrt(0.5) * (common + own)
    rates = {
        "blink": 0.2,
        "spindle": 0.2 if group == "control" else 0.1,
        "alpha": 0.08,
        "tone": 0.3,
    }
    events: list[dict[str, Any]] = []
    for kind, rate in rates.items():
        for onset in _onsets(kind, rate, seconds, draw):
            shape, weights = _shape(kind, draw)
            begin = round(onset * RATE)
            piece = values[begin : begin + len(shape)]
            piece += shape[: len(piece), None] * weights * draw.uniform(0.7, 1.3)
            duration = 0.0 if kind == "tone" else len(shape) / RATE
            events.append(
                {"id": name, "onset": begin / RATE, "duration": duration, "trial_type": kind}
            )
    events.sort(key=lambda event: event["onset"])
    return EEGRecording(name, values.astype(np.float32), tuple(events), group)


def _onsets(kind: str, rate: float, seconds: float, draw: np.random.Generator) -> list[float]:
    """Onsets of a kind at that rate a second, one after the other."""
    longest = {"blink": 0.35, "spindle": 1.5, "alpha": 5.0, "tone": 0.6}[kind]
    onsets, time = [], float(draw.exponential(1 / rate))
    while time + longest < seconds:
        onsets.append(time)
        time += longest + _GAP + float(draw.exponential(1 / rate))
    return onsets


def _shape(kind: str, draw: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The course of one event, and the channels that it is seen on."""
    if kind == "blink":
        return np.hanning(round(0.3 * RATE)), _BLINK
    if kind == "tone":
        time = np.arange(round(0.6 * RATE)) / RATE
        late = np.exp(-(((time - 0.3) / 0.07) ** 2))
        early = -0.6 * np.exp(-(((time - 0.1) / 0.025) ** 2))
        return early + late, _RESPONSE
    low, high, shortest, longest = (12, 14, 0.7, 1.5) if kind == "spindle" else (9, 11, 2.0, 5.0)
    time = np.arange(round(draw.uniform(shortest, longest) * RATE)) / RATE
    wave = np.sin(2 * np.pi * (draw.uniform(low, high) * time + draw.uniform()))
    return wave * np.sqrt(np.hanning(len(time))), _SPINDLE if kind == "spindle" else _ALPHA


def _pink(samples: int, channels: int, draw: np.random.Generator) -> NDArray[np.float64]:
    """Noise of unit deviation whose power falls as 1/f, [samples, channels]."""
    spectrum = np.fft.rfft(draw.normal(size=(samples, channels)), axis=0)
    hertz = np.fft.rfftfreq(samples, 1 / RATE)
    spectrum *= (1 / np.sqrt(np.maximum(hertz, 0.5)))[:, None]
    noise = np.fft.irfft(spectrum, samples, axis=0)
    scaled: NDArray[np.float64] = noise / noise.std(axis=0)
    return scaled
