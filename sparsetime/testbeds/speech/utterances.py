"""Utterances of made speakers: random syllables, with the onset of every sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float

from sparsetime import seeds
from sparsetime.activations.capture.document import Document
from sparsetime.activations.capture.recording import Recording
from sparsetime.errors import ConfigError
from sparsetime.testbeds.speech.sounds import CONSONANTS, SOUNDS, VOWELS
from sparsetime.testbeds.speech.voice import RATE, Segment, Speaker, speaker, synthesised


@final
@dataclass(frozen=True, eq=False)
class Utterance:
    """A recording of one speaker. audio: float32 [samples] at 16 kHz. segments: in order."""

    id: str
    audio: Float[np.ndarray, " samples"]
    segments: tuple[Segment, ...]
    speaker: Speaker

    @property
    def document(self) -> Document:
        """The recording as data of a capture; labels are the speaker and the voice's properties."""
        voice = self.speaker
        return Document(
            self.id,
            values=self.audio,
            labels={
                "speaker": voice.name,
                "voice": "high" if voice.pitch > 155 else "low",
                "pitch": round(voice.pitch, 1),
                "tract": round(voice.tract, 3),
            },
            recording=Recording(rate=RATE),
            source="made speech",
        )

    @property
    def events(self) -> list[dict[str, Any]]:
        """The sounds as rows of an events table, pauses left out.

        id, onset, duration, trial_type (the sound), manner ("vowel", "nasal", …).
        """
        return [
            {
                "id": self.id,
                "onset": one.onset,
                "duration": one.duration,
                "trial_type": one.sound.name,
                "manner": one.sound.manner,
            }
            for one in self.segments
            if one.sound is not None
        ]


def utterances(
    speakers: int = 8, each: int = 5, seconds: float = 3.0, seed: int = 0
) -> list[Utterance]:
    """Recordings of a number of speakers, each of them `each` times, for `seconds` seconds.

    Words of one to three syllables (a consonant, a vowel, at times another consonant) and pauses of
    60 to 250 ms, all drawn at random, so that nothing but the voice is common to the recordings of
    a speaker. Loudness is -30 dB of full scale (root mean square). Recording j of speaker i depends
    on the seed, on i and on j alone.

    Errors: ConfigError for no speakers or recordings, or less than half a second.
    """
    if speakers < 1 or each < 1 or seconds < 0.5:
        raise ConfigError(
            f"got speakers={speakers}, each={each}, seconds={seconds}; expected at least one "
            "recording of half a second"
        )
    voices = [speaker(number, seed) for number in range(speakers)]
    return [
        _utterance(voice, number, take, seconds, seed)
        for number, voice in enumerate(voices)
        for take in range(each)
    ]


def _utterance(voice: Speaker, number: int, take: int, seconds: float, seed: int) -> Utterance:
    draw = seeds.numpy_generator(seed, "speech", number, take)
    segments: list[Segment] = []
    onset = float(draw.uniform(0.05, 0.2))
    while True:
        names = _word(draw)
        lengths = [float(draw.uniform(*SOUNDS[name].duration)) * voice.tempo for name in names]
        if onset + sum(lengths) > seconds - 0.05:
            break
        for name, length in zip(names, lengths, strict=True):
            segments.append(Segment(onset, length, SOUNDS[name]))
            onset += length
        pause = float(draw.uniform(0.06, 0.25))
        segments.append(Segment(onset, pause, None))
        onset += pause
    audio = synthesised(segments, voice, round(seconds * RATE), draw)
    return Utterance(f"{voice.name}, {take:02d}", audio, tuple(segments), voice)


def _word(draw: np.random.Generator) -> list[str]:
    names: list[str] = []
    for _ in range(int(draw.integers(1, 4))):
        names += [str(draw.choice(CONSONANTS)), str(draw.choice(VOWELS))]
        if draw.random() < 0.3:
            names.append(str(draw.choice(CONSONANTS)))
    return names
