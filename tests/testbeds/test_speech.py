"""Made speech: sounds are where the table of onsets says, and voices are as their speakers say."""

import numpy as np
import pytest

from sparsetime.errors import ConfigError
from sparsetime.testbeds import utterances
from sparsetime.testbeds.speech.sounds import CONSONANTS, SOUNDS, VOWELS
from sparsetime.testbeds.speech.voice import RATE, speaker


@pytest.fixture(scope="module")
def made():
    return utterances(4, 2, seconds=2.0)


def pieces(recordings, test, trim=0.0):
    """The waveforms of all sounds that pass a test, without `trim` seconds at either end."""
    return [
        (
            one,
            made.audio[
                round((one.onset + trim) * RATE) : round((one.onset + one.duration - trim) * RATE)
            ],
        )
        for made in recordings
        for one in made.segments
        if one.sound is not None and test(one.sound) and one.duration > 2 * trim + 0.04
    ]


def band(piece, low, high):
    """The share of power between two frequencies."""
    power = np.abs(np.fft.rfft(piece * np.hanning(len(piece)))) ** 2
    hertz = np.fft.rfftfreq(len(piece), 1 / RATE)
    return power[(hertz >= low) & (hertz < high)].sum() / power.sum()


def test_recordings_are_functions_of_the_seed_speaker_and_take(made):
    again = utterances(2, 1, seconds=2.0)
    by_id = {one.id: one for one in made}
    for one in again:
        assert np.array_equal(one.audio, by_id[one.id].audio)
        assert one.segments == by_id[one.id].segments
    assert len({one.audio.tobytes() for one in made}) == len(made) == 8
    assert not np.array_equal(made[0].audio, utterances(1, 1, 2.0, seed=1)[0].audio)


def test_segments_follow_each_other_within_the_recording(made):
    for one in made:
        ends = [segment.onset + segment.duration for segment in one.segments]
        onsets = [segment.onset for segment in one.segments]
        assert np.allclose(ends[:-1], onsets[1:])
        assert onsets[0] > 0 and len(one.audio) == 2 * RATE
        assert one.audio.std() == pytest.approx(10**-1.5, rel=1e-3)


def test_vowels_are_loud_and_pauses_and_closures_are_quiet(made):
    level = np.median(
        [sound.std() for _, sound in pieces(made, lambda s: s.manner == "vowel", 0.02)]
    )
    # A stop ends in a burst, and resonators ring on for some milliseconds.
    for one, sound in pieces(made, lambda s: s.manner == "stop"):
        closure = sound[round(0.02 * RATE) : round((one.duration - 0.02) * RATE)]
        assert closure.std() < 0.15 * level
        assert np.abs(sound[-round(0.015 * RATE) :]).max() > 3 * np.abs(closure).max()


def test_fricatives_are_high_and_nasals_low(made):
    for one, sound in pieces(made, lambda s: s.name == "s", 0.015):
        assert band(sound, 3000, 8000) > 0.8, one
    for one, sound in pieces(made, lambda s: s.manner == "nasal", 0.015):
        assert band(sound, 0, 1000) > 0.6, one


def test_vowels_repeat_at_the_pitch_of_the_speaker(made):
    errors = []
    for one in made:
        for _, sound in pieces([one], lambda s: s.manner == "vowel", 0.02):
            shifted = np.correlate(sound, sound, "full")[len(sound) - 1 :]
            shortest = int(RATE / (1.6 * one.speaker.pitch))
            longest = int(RATE * 1.6 / one.speaker.pitch)
            period = shortest + shifted[shortest:longest].argmax()
            errors.append(abs(np.log2(RATE / period / one.speaker.pitch)))
    assert np.median(errors) < 0.15


def test_speakers_have_low_and_high_voices():
    voices = [speaker(number) for number in range(8)]
    assert all((voice.pitch > 155) == bool(number % 2) for number, voice in enumerate(voices))
    assert len({voice.tract for voice in voices}) == 8


def test_events_and_labels(made):
    events = made[0].events
    assert {event["trial_type"] for one in made for event in one.events} <= set(SOUNDS)
    assert all(event["manner"] == SOUNDS[event["trial_type"]].manner for event in events)
    assert made[0].document.labels["speaker"] == "speaker 00"
    assert made[0].document.labels["voice"] == "low"
    assert set(VOWELS) | set(CONSONANTS) == set(SOUNDS) and not set(VOWELS) & set(CONSONANTS)


def test_settings_out_of_range():
    with pytest.raises(ConfigError, match=r"got speakers=0, each=5, seconds=3\.0; expected"):
        utterances(0)
