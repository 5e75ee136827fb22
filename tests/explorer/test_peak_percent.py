"""Percent of the peak, on the cases that the pages' module is tested on too."""

import json
from pathlib import Path

import numpy as np

from sparsetime.explorer.peak_percent import percent_of_peak

CASES = json.loads((Path(__file__).parents[1] / "web" / "peak_percent.json").read_text())


def test_percents_are_those_of_the_shared_cases():
    value, peak, percent = (
        np.array([case[key] for case in CASES]) for key in ("value", "peak", "percent")
    )
    assert percent_of_peak(value.astype(float), peak.astype(float)).tolist() == percent.tolist()


def test_one_peak_serves_all_values():
    assert percent_of_peak(np.array([0.0, 1.0, 4.0]), 4.0).tolist() == [0, 25, 100]
