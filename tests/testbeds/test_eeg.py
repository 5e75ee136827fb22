"""Made EEG: events are where the table says, on the channels that they belong to."""

import numpy as np
import pytest

from sparsetime.errors import ConfigError
from sparsetime.testbeds import eeg_recordings
from sparsetime.testbeds.eeg.recordings import CHANNELS, RATE


@pytest.fixture(scope="module")
def made():
    return eeg_recordings(4, seconds=40.0)


def band_power(values, low, high):
    """Power of each channel between two frequencies."""
    power = np.abs(np.fft.rfft(values * np.hanning(len(values))[:, None], axis=0)) ** 2
    hertz = np.fft.rfftfreq(len(values), 1 / RATE)
    return power[(hertz >= low) & (hertz <= high)].sum(0)


def pieces(made, kind):
    return [
        one.values[
            round(event["onset"] * RATE) : round((event["onset"] + event["duration"]) * RATE)
        ]
        for one in made
        for event in one.events
        if event["trial_type"] == kind
    ]


def test_recordings_are_a_function_of_the_seed_and_their_number(made):
    again = eeg_recordings(2, seconds=40.0)
    for one, other in zip(again, made, strict=False):
        assert np.array_equal(one.values, other.values) and one.events == other.events
    assert not np.array_equal(made[0].values, eeg_recordings(1, 40.0, seed=1)[0].values)


@pytest.mark.parametrize(("kind", "low", "high"), [("alpha", 8, 12), ("spindle", 11, 15)])
def test_rhythms_are_where_they_are_planted(made, kind, low, high):
    found = pieces(made, kind)
    assert len(found) >= 4
    where = CHANNELS.index("O1" if kind == "alpha" else "C3")
    shares = [band_power(p, low, high)[where] / band_power(p, 1, 60)[where] for p in found]
    assert np.median(shares) > 0.5


def test_blinks_are_frontal(made):
    for piece in pieces(made, "blink"):
        peaks = piece.max(0)
        assert peaks[:2].mean() > 40 > peaks[6:].mean()


def test_tones_have_a_response_after_300_ms(made):
    lags = round(0.6 * RATE)
    around = [
        one.values[begin : begin + lags, CHANNELS.index("C3")]
        for one in made
        for event in one.events
        if event["trial_type"] == "tone" and (begin := round(event["onset"] * RATE)) >= 0
    ]
    average = np.mean(around, axis=0)
    assert average.argmax() / RATE == pytest.approx(0.3, abs=0.08)


def test_patients_have_fewer_spindles():
    made = eeg_recordings(6, seconds=120.0)
    counts = {"control": 0, "patient": 0}
    for one in made:
        counts[one.group] += sum(event["trial_type"] == "spindle" for event in one.events)
    assert counts["control"] > 1.3 * counts["patient"]


def test_the_document_has_channels_units_and_rate(made):
    recording = made[0].document.recording
    assert (recording.rate, recording.channels, recording.units[0]) == (RATE, CHANNELS, "uV")
    assert made[1].document.labels["group"] == "patient"


def test_settings_out_of_range():
    with pytest.raises(ConfigError, match="got subjects=1, seconds=5; expected at least one"):
        eeg_recordings(1, 5)
