"""Rhythm, lead and lag, and the mean input of planted features; inputs drawn in the report."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

import sparsetime as st
from sparsetime.activations.capture.document import Document
from sparsetime.explorer.workbench.feature_lead_lag import feature_lead_lag
from sparsetime.explorer.workbench.feature_rhythm import feature_rhythm
from sparsetime.explorer.workbench.triggered_average import SHIFTS, triggered_average
from sparsetime.explorer.workbench.workbench import Workbench
from sparsetime.features import ArrayCodes
from sparsetime.reports.report import report

RATE, STEPS, RECORDINGS = 8.0, 800, 6
BEAT, FOLLOWER, RANDOM = 0, 1, 2  # features


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Feature 0 fires once a second, 1 two steps later, 2 at random; channel b answers 2 alone."""
    folder = tmp_path_factory.mktemp("planted")
    rng = np.random.default_rng(0)
    codes, documents, frames = {}, [], []
    for number in range(RECORDINGS):
        active = np.zeros((STEPS, 3), np.float32)
        phase = rng.integers(8)
        active[phase::8, BEAT] = 1 + rng.random(len(range(phase, STEPS, 8)))
        active[phase + 2 :: 8, FOLLOWER] = 1
        active[:, RANDOM] = (rng.random(STEPS) < 0.03) * (1 + rng.random(STEPS))
        values = rng.normal(size=(STEPS, 2)).astype(np.float32)
        values[1:, 1] += 5 * (active[:-1, RANDOM] > 0)  # a step later
        codes[number] = torch.from_numpy(active)
        recording = st.Recording(rate=RATE, channels=["a", "b"], units=["uV", "uV"])
        document = Document(f"recording {number}", values=values, recording=recording)
        documents.append(document)
        frames.append(active)
    torch.manual_seed(0)
    store = st.capture(
        torch.nn.Sequential(torch.nn.Linear(2, 4)), documents, "0", folder / "activations",
        keep_input=True, progress=False,
    )  # fmt: skip
    st.index(ArrayCodes("planted", codes), store, out=folder / "planted/features", progress=False)
    sae = st.dictionary("topk", d_in=4, width=64, k=2)
    sae.save(str(folder / "topk"))
    st.index(sae, store, out=folder / "topk/features", progress=False)
    return folder


@pytest.fixture(scope="module")
def opened(run):
    return Workbench(run).opened


def test_a_beat_has_its_period_and_a_peak_in_hertz(opened):
    rhythm = feature_rhythm(opened, "planted", BEAT)
    assert (rhythm.unit, rhythm.period, rhythm.period_time) == ("Hz", 8, 1.0)
    peak = rhythm.frequencies[int(np.argmax(rhythm.power[2:])) + 2]
    assert peak % 1.0 == pytest.approx(0, abs=0.1) or peak % 1.0 > 0.9  # 1 Hz or a multiple of it
    assert rhythm.frequencies[-1] == RATE / 2
    assert sum(rhythm.null) == pytest.approx(1) and max(rhythm.null) < max(rhythm.power)


def test_what_fires_at_random_has_no_beat(opened):
    rhythm = feature_rhythm(opened, "planted", RANDOM)
    assert (rhythm.period, rhythm.period_time, rhythm.reason) == (None, None, "")


def test_a_follower_is_listed_with_its_lag_in_time(opened):
    beat = feature_lead_lag(opened, "planted", BEAT)
    (follows,) = [each for each in beat.follows if each.feature == FOLLOWER]
    assert (follows.lag, follows.lag_time) == (2, 0.25)
    assert follows.share == pytest.approx(1, abs=0.02)
    assert RANDOM not in [each.feature for each in (*beat.follows, *beat.leads)]
    after = feature_lead_lag(opened, "planted", FOLLOWER)
    assert BEAT in [each.feature for each in after.leads]


def test_the_mean_input_is_beyond_the_null_where_it_was_planted(opened):
    average = triggered_average(opened, "planted", RANDOM)
    assert (average.kind, average.channels, average.unit) == ("series", ("a", "b"), "seconds")
    z, mean = np.array(average.z), np.array(average.mean)
    at = int(np.abs(z[1]).argmax())
    assert average.times[at] == pytest.approx(1 / RATE)
    assert mean[1, at] == pytest.approx(5, abs=0.7) and z[1, at] > 15
    # Of 33 lags of another channel, a t of 18 degrees of freedom is seldom beyond 5.
    assert np.abs(z[0]).max() < 6 and SHIFTS == 19


def test_a_feature_apart_from_the_input_is_within_the_null(opened):
    average = triggered_average(opened, "planted", BEAT)
    assert np.abs(np.array(average.z)[0]).max() < 6
    inside = [
        low <= value <= high
        for value, low, high in zip(
            average.spectrum, average.null_low, average.null_high, strict=True
        )
    ]
    assert np.mean(inside) > 0.5


def test_the_report_draws_what_was_read(run):
    page = report(run, progress=False).read_text("utf-8")
    cards = re.findall(r"<article.*?</article>", page, re.S)
    assert cards
    for card in cards:
        assert "<polyline" in card and 'aria-label="a, b"' in card
        assert "\u2582" not in card  # no bars in place of a picture
    assert '"kind":"series"' in page
