"""Made melodies: what is written down of the notes is what sounds."""

import numpy as np
import pytest

from sparsetime.errors import ConfigError
from sparsetime.testbeds import melodies
from sparsetime.testbeds.music.melodies import RATE, note_hertz, note_name


@pytest.fixture(scope="module")
def made():
    return melodies(3, seconds=4.0)


def test_recordings_are_a_function_of_the_seed_and_their_number(made):
    again = melodies(2, seconds=4.0)
    for one, other in zip(made, again, strict=False):
        assert np.array_equal(one.audio, other.audio) and one.notes == other.notes
    assert not np.array_equal(made[0].audio, melodies(1, seconds=4.0, seed=1)[0].audio)
    assert not np.array_equal(made[0].audio, made[1].audio)


def test_names_of_notes():
    assert [note_name(number) for number in (45, 60, 69, 70, 81)] == ["A2", "C4", "A4", "A#4", "A5"]
    assert note_hertz(69) == 440.0
    assert note_hertz(57) == 220.0


def test_each_note_sounds_at_its_frequency_while_it_lasts(made):
    for melody in made:
        assert len(melody.notes) >= 3
        for note in melody.notes:
            begin, length = round(note.onset * RATE), round(note.duration * RATE)
            sound = melody.audio[begin : begin + length].astype(float)
            power = np.abs(np.fft.rfft(sound * np.hanning(length), 8 * length)) ** 2
            hertz = np.fft.rfftfreq(8 * length, 1 / RATE)
            # The strongest partial is a multiple of the note, up to tuning and vibrato.
            strongest = hertz[power.argmax()] / note.hertz
            assert strongest == pytest.approx(round(strongest), abs=0.03 * round(strongest))


def test_pauses_are_quiet(made):
    for melody in made:
        ends = [note.onset + note.duration for note in melody.notes[:-1]]
        for end, following in zip(ends, melody.notes[1:], strict=True):
            pause = melody.audio[round(end * RATE) + 2 : round(following.onset * RATE) - 2]
            assert pause.std() < 0.05 * melody.audio.std() + 0.01


def test_notes_are_named_at_their_times_and_as_events(made):
    melody = made[0]
    first, second = melody.notes[:2]
    times = np.array([0.0, first.onset, first.onset + first.duration, second.onset + 0.01])
    assert melody.names_at(times) == [None, first.name, None, second.name]
    assert melody.events[0] == {
        "id": "melody 000",
        "onset": first.onset,
        "duration": first.duration,
        "trial_type": first.name,
    }
    assert melody.document.recording.rate == RATE
    assert melody.document.step == 1 / RATE and melody.document.unit == "second"


def test_settings_out_of_range():
    with pytest.raises(
        ConfigError, match=r"got count=0, seconds=10\.0, 37 notes; expected at least"
    ):
        melodies(0)
    with pytest.raises(ConfigError, match=r"got the note 108 \(4186 Hz\), expected at most 4000"):
        melodies(1, notes=[60, 108])
