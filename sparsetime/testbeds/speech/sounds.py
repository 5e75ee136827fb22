"""Speech sounds of the synthesiser: formants, sources and durations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, final

Manner: TypeAlias = Literal["vowel", "nasal", "approximant", "fricative", "stop"]


@final
@dataclass(frozen=True)
class SpeechSound:
    """One sound. formants: of a voiced source, in Hz. noise: centre and width of noise, in Hz.

    duration: shortest and longest, in seconds; of a stop, of its closure, which a burst of 15 ms
    ends. loudness: of the voiced source, in dB below a vowel.
    """

    name: str
    manner: Manner
    formants: tuple[float, float, float] = (500.0, 1500.0, 2500.0)
    noise: tuple[float, float] | None = None
    voiced: bool = True
    duration: tuple[float, float] = (0.10, 0.22)
    loudness: float = 0.0


# Vowels: means over men in Peterson and Barney 1952, Control methods used in a study of the vowels,
# table II. Consonants: places of noise and formants as in Stevens 1998, Acoustic phonetics.
_VOWELS = {
    "i": (270.0, 2290.0, 3010.0),
    "e": (530.0, 1840.0, 2480.0),
    "ae": (660.0, 1720.0, 2410.0),
    "a": (730.0, 1090.0, 2440.0),
    "o": (570.0, 840.0, 2410.0),
    "u": (300.0, 870.0, 2240.0),
    "er": (490.0, 1350.0, 1690.0),
}
_SHORT, _CLOSURE = (0.06, 0.12), (0.05, 0.09)

SOUNDS: dict[str, SpeechSound] = {
    **{name: SpeechSound(name, "vowel", formants) for name, formants in _VOWELS.items()},
    "m": SpeechSound("m", "nasal", (250.0, 1000.0, 2200.0), duration=_SHORT, loudness=-8),
    "n": SpeechSound("n", "nasal", (250.0, 1700.0, 2600.0), duration=_SHORT, loudness=-8),
    "l": SpeechSound("l", "approximant", (360.0, 1100.0, 2700.0), duration=_SHORT, loudness=-4),
    "w": SpeechSound("w", "approximant", (300.0, 650.0, 2200.0), duration=_SHORT, loudness=-4),
    "s": SpeechSound("s", "fricative", noise=(5500.0, 2000.0), voiced=False, duration=(0.08, 0.16)),
    "sh": SpeechSound(
        "sh", "fricative", noise=(3000.0, 1500.0), voiced=False, duration=(0.08, 0.16)
    ),
    "z": SpeechSound(
        "z", "fricative", (280.0, 1600.0, 2600.0), (5500.0, 2000.0), duration=_SHORT, loudness=-10
    ),
    "p": SpeechSound("p", "stop", noise=(900.0, 1200.0), voiced=False, duration=_CLOSURE),
    "t": SpeechSound("t", "stop", noise=(4500.0, 2500.0), voiced=False, duration=_CLOSURE),
    "k": SpeechSound("k", "stop", noise=(2000.0, 900.0), voiced=False, duration=_CLOSURE),
}
VOWELS = tuple(name for name, sound in SOUNDS.items() if sound.manner == "vowel")
CONSONANTS = tuple(name for name in SOUNDS if name not in VOWELS)
