"""Places of EEG channels on the head by their names, and why there are none."""

import math

import pytest

from sparsetime.explorer.workbench import sensor_places as module
from sparsetime.explorer.workbench.sensor_places import sensor_places

NAMES = ("Fp1", "EEG Fz", "EEG CZ-REF", "T7", "T8", "Oz.", "ECG")


def test_channels_lie_where_the_system_says():
    pytest.importorskip("mne")
    places = dict(zip(NAMES, sensor_places(NAMES).places, strict=True))
    assert places["ECG"] is None and math.hypot(*places["EEG CZ-REF"]) < 0.1
    left, right = places["T7"], places["T8"]
    assert left[0] == pytest.approx(-right[0], abs=0.03) and 0.95 < right[0] < 1.2
    assert places["Fp1"][0] < 0 < places["Fp1"][1] and places["EEG Fz"][1] > 0.3
    assert places["Oz."][1] < -0.9 and abs(places["Oz."][0]) < 0.05


@pytest.mark.parametrize(
    ("channels", "units", "reason"),
    [
        (("a", "b", "c", "d"), ("uV",) * 4, "0 of 4 channels have names of the 10-20 system"),
        (("Fp1", "b", "c", "d"), (), "1 of 4 channels have names"),
        (("acc x", "acc y", "acc z", "gyro"), ("g",) * 4, ""),  # no electrodes
        (("Fp1", "Fp2"), ("uV",) * 2, ""),  # too few for a map
    ],
)
def test_a_map_that_is_not_drawn_has_a_reason(channels, units, reason):
    pytest.importorskip("mne")
    made = sensor_places(channels, units)
    assert made.places == () and reason in made.reason and bool(reason) == bool(made.reason)


def test_without_mne_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert "sparsetime[eeg]" in sensor_places(NAMES, ("uV",) * len(NAMES)).reason
