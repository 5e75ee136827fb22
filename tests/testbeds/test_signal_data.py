"""Data of signals out of wheels: formats, labels that follow from residues, the real files."""

import numpy as np
import pytest

from sparsetime.errors import DataError, UnknownNameError
from sparsetime.testbeds import WHEELS, basic_motions, human_proteins
from sparsetime.testbeds.proteins.human_proteins import hydropathy, in_zinc_finger
from sparsetime.testbeds.sensors.archive_sets import ARCHIVE_SETS, archive_set, read_series
from sparsetime.testbeds.sensors.basic_motions import CHANNELS, motions_of
from sparsetime.testbeds.wheels.fetch import where

TEXT = "#note\n@classLabel true A B\n@data\n" + ":".join(["1,2,3"] * 6) + ":Running\n"


def test_recordings_of_a_motion_file():
    (document,) = motions_of(TEXT, "train")
    assert document.values.tolist() == [[1.0] * 6, [2.0] * 6, [3.0] * 6]
    assert document.labels == {"activity": "Running", "part": "train"}
    assert document.recording.channels == CHANNELS and document.step == 0.1


def test_a_motion_file_with_other_channels():
    with pytest.raises(DataError, match="got 2 channels in recording 0 of the test part"):
        motions_of("@data\n1,2:3,4:Walking", "test")


def test_series_of_an_archive_file():
    series, labels = read_series("@data\n1,2,3:4,5,6:a\n7,8,9:0,0,0:b\n")
    assert series.shape == (2, 3, 2)
    assert series[0].tolist() == [[1, 4], [2, 5], [3, 6]]
    assert labels == ["a", "b"]
    with pytest.raises(DataError, match="got series of 2 sizes"):
        read_series("@data\n1,2:a\n1,2,3:b\n")
    with pytest.raises(UnknownNameError, match="did you mean 'GunPoint'"):
        archive_set("GunPoints")


def test_zinc_fingers_are_found_by_their_pattern():
    # The first finger of Zif268: C-x4-C-x12-H-x3-H.
    finger = "CPVESCDRRFSRSDELTRHIRIH"
    inside = in_zinc_finger("MAEK" + finger + "TGQ")
    assert inside == [False] * 4 + [True] * len(finger) + [False] * 3
    assert not any(in_zinc_finger("MAEKSPVESSDRRFSRSDELTRHIRIHTGQ"))


def test_hydropathy_is_the_mean_around_a_residue():
    assert np.allclose(hydropathy("I" * 30), 4.5)
    mixed = hydropathy("I" * 30 + "R" * 30)
    assert mixed[0] == pytest.approx(4.5) and mixed[-1] == pytest.approx(-4.5)
    assert mixed[30] == pytest.approx((9 * 4.5 - 10 * 4.5) / 19)


@pytest.mark.skipif(
    not where(WHEELS["aeon"]), reason="`sparsetime testbeds fetch aeon` was not run"
)
def test_the_motions_of_aeon():
    recordings = basic_motions()
    assert len(recordings) == 80 and {one.values.shape for one in recordings} == {(100, 6)}
    assert {one.labels["activity"] for one in recordings} == {
        *("Badminton", "Running", "Standing", "Walking")
    }


@pytest.mark.skipif(
    not where(WHEELS["aeon"]), reason="`sparsetime testbeds fetch aeon` was not run"
)
def test_the_archive_sets_of_aeon():
    sets = [archive_set(name) for name in ARCHIVE_SETS if name not in ("ACSF1", "OSULeaf")]
    for one in sets:
        assert one.train.mean((0, 1)).abs().max() < 1e-3
        assert set(one.test_labels.tolist()) <= set(range(one.classes))
    assert {one.name: tuple(one.train.shape) for one in sets}["GunPoint"] == (50, 150, 1)


@pytest.mark.skipif(
    not where(WHEELS["metapredict"]), reason="`sparsetime testbeds fetch metapredict` was not run"
)
def test_the_proteins_of_metapredict():
    proteins = human_proteins()
    assert len(proteins) > 450
    fingers = [one for one in proteins if any(one.step_labels["zinc finger"])]
    assert sum("inc finger" in one.labels["protein"] for one in fingers) > len(fingers) / 2
