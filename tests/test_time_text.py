"""Times as text: neighbours differ, and the page's version says the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sparsetime.time_text import duration_text, time_text, times_text

CASES = json.loads((Path(__file__).parent / "web" / "time_text.json").read_text())


@pytest.mark.parametrize("case", CASES["times"], ids=lambda case: case["text"])
def test_a_time_as_the_page_writes_it(case):
    assert time_text(case["time"], case["step"], case["start"]) == case["text"]


@pytest.mark.parametrize("case", CASES["durations"], ids=lambda case: case["text"])
def test_a_duration_as_the_page_writes_it(case):
    assert duration_text(case["duration"]) == case["text"]


@pytest.mark.parametrize("step", [0.1, 1 / 3, 1 / 30, 1 / 128, 1 / 44_100, 0.004, 1, 7, 1e-6])
@pytest.mark.parametrize("start", [0.0, 0.432, 1_700_000_000.0, -12.5])
def test_neighbouring_times_differ(start, step):
    times = start + step * np.arange(500)
    texts = times_text(times.tolist(), step, start)
    assert len(set(texts)) == len(texts)
    assert not any("e" in text for text in texts)
