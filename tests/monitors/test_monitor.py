"""Monitors: thresholds, delays and misses on planted events, drift, and streams."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from known_codes import Itself, make_store
from torch import nn

import sparsetime as st
from sparsetime.errors import ConfigError, DamagedError, MismatchError, UnknownNameError
from sparsetime.monitors.alarm import as_alarms
from sparsetime.monitors.detection import (
    NEVER,
    ScoredRecording,
    episodes,
    false_alarms,
    poisson_interval,
)
from sparsetime.monitors.watch import json_line

STEPS, EVENTS, LASTS, LATE = 5000, 12, 20, 3  # seconds are steps
ACTIVE = 0.3


def recording(rng, drifted=False):
    """Four latents: 0 rises LATE steps after each event begins, the others are noise."""
    x = np.where(rng.random((STEPS, 4)) < ACTIVE, rng.exponential(size=(STEPS, 4)), -1.0)
    if drifted:
        x[:, 2] = np.where(rng.random(STEPS) < 0.9, 1.0, -1.0)
    onsets = np.sort(rng.choice(STEPS // 100 - 1, EVENTS, replace=False)) * 100 + 10
    for onset in onsets:
        x[onset + LATE : onset + LASTS, 0] = 30 + rng.random()
    return x, onsets


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    rng = np.random.default_rng(0)
    made = [recording(rng) for _ in range(8)]
    out = tmp_path_factory.mktemp("monitors") / "store"
    path = make_store(out, [x for x, _ in made], unit="second").path
    rows = [
        {"id": f"document {n}", "onset": float(t), "duration": float(LASTS), "trial_type": "spike"}
        for n, (_, onsets) in enumerate(made)
        for t in onsets
    ]
    return st.annotate(path, events=rows)


@pytest.fixture(scope="module")
def sae():
    return Itself(4)


@pytest.fixture(scope="module")
def monitor(store, sae):
    alarms = {"spike": 0, "noise": [1, 2]}
    events = {"spike": "spike", "noise": "spike"}
    return st.monitor(
        sae, store, alarms, false_alarms=5, events=events, hold=2, drift_window=100, progress=False
    )


def test_episodes_are_runs_that_hold_joins():
    scores = np.array([0, 2, 2, 0, 2, 0, 0, 0, 2.0])
    assert episodes(scores, 1, hold=1).tolist() == [[1, 3], [4, 5], [8, 9]]
    assert episodes(scores, 1, hold=2).tolist() == [[1, 5], [8, 9]]
    assert episodes(scores, 3, hold=2).tolist() == []


def test_planted_events_are_found_with_their_delay(monitor):
    spike = monitor.detections["spike"]
    assert (spike.events, spike.missed) == (4 * EVENTS, 0)
    assert set(spike.delays) <= {0.0, 1.0, 2.0, float(LATE)}
    assert np.median(spike.delays) == LATE
    assert "4 of 8 sequences" in monitor.about["detections_from"]


def test_an_alarm_that_is_on_before_the_event_is_false():
    """Always on, it would otherwise have no false alarm and miss nothing."""
    first, stop = np.array([50]), np.array([60])
    always = ScoredRecording(np.ones(100), first, stop)
    during = ScoredRecording((np.arange(100) // 10 == 5) * 1.0, first, stop)
    after = ScoredRecording((np.arange(100) // 10 == 6) * 1.0, first, stop)
    assert false_alarms([always, during], 1.0, hold=1, late=0) == 1
    assert false_alarms([after], 1.0, hold=1, late=0) == 1
    assert false_alarms([after], 1.0, hold=1, late=5) == 0


def test_false_alarms_are_as_many_as_were_allowed(monitor, store, sae):
    for name in ("spike", "noise"):
        low, high = monitor.detections[name].interval
        assert low <= 5 <= high
    often = st.monitor(sae, store, {"noise": 1}, false_alarms=60, hold=2, progress=False)
    assert 40 < often.detections["noise"].false_rate < 80
    assert often.thresholds["noise"] < monitor.thresholds["noise"]


def test_a_feature_that_knows_nothing_detects_as_chance_does(store, sae):
    noise = st.monitor(
        sae, store, {"n": 1}, false_alarms=300, events={"n": "spike"}, hold=1, progress=False
    ).detections["n"]
    found = 1 - noise.missed / noise.events
    spread = 3 * np.sqrt(noise.chance * (1 - noise.chance) / noise.events)
    assert abs(found - noise.chance) < spread
    assert 0.05 < noise.chance < 0.95


def test_pieces_of_a_stream_give_the_lines_of_the_whole(monitor, store, sae):
    x = store.sequence(0).values
    whole = monitor.watch(sae).feed(x)
    watch = monitor.watch(sae)
    lines = [line for piece in x.split([1, 7, 992, 3000, 1000]) for line in watch.feed(piece)]
    assert lines == whole
    begun = [line["time"] for line in whole if line["kind"] == "alarm" and line["alarm"] == "spike"]
    score = store.sequence(0).values[:, 0].clamp_min(0).numpy()
    assert begun == episodes(score, monitor.thresholds["spike"], 2)[:, 0].tolist()
    ends = [line for line in whole if line["kind"] == "end"]
    assert ends and json.loads(json_line(ends[0])) == ends[0]


@pytest.mark.parametrize("given", [np.array([1, 2]), torch.tensor([1, 2]), {1, 2}, range(1, 3)])
def test_features_of_an_alarm_come_in_any_collection(given):
    made = as_alarms({"many": given, "one": np.array(3), "first": np.int64(0)}, 4, None)
    assert [alarm.features for alarm in made.values()] == [(1, 2), (3,), (0,)]


def test_without_hold_steps_side_by_side_are_one_alarm(monitor, store, sae):
    x = store.sequence(0).values
    lines = replace(monitor, hold_steps=0).watch(sae).feed(x)
    begun = [one["time"] for one in lines if (one["kind"], one.get("alarm")) == ("alarm", "spike")]
    score = x[:, 0].clamp_min(0).numpy()
    assert begun == episodes(score, monitor.thresholds["spike"], 0)[:, 0].tolist()


def test_a_moving_average_runs_over_pieces(store, sae):
    alarm = st.monitors.Alarm((0, 1), "sum", smooth=5.0)
    monitor = st.monitor(sae, store, {"spike": alarm}, false_alarms=5, progress=False)
    x = store.sequence(1).values
    watch = monitor.watch(sae)
    pieces = [line for piece in x.split(333) for line in watch.feed(piece)]
    assert pieces == monitor.watch(sae).feed(x)


def test_drift_is_seen_where_rates_change_and_rarely_where_not(monitor, store, sae):
    x, _ = recording(np.random.default_rng(9), drifted=True)
    lines = monitor.watch(sae).feed(torch.from_numpy(x).float())
    drifts = [line for line in lines if line["kind"] == "drift"]
    assert len(drifts) == STEPS // 100
    assert all(line["features"][0] == 2 for line in drifts)
    assert drifts[0]["time"] == 100
    assert monitor.drift_rate <= 15


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Identity()

    def forward(self, x):
        return self.layer(x).sum()


def test_a_running_model_gives_the_lines_of_its_activations(monitor, store, sae):
    x, model = store.sequence(2).values, Network()
    with monitor.watch(sae).attach(model, every=64) as lines:
        for row in x:
            model(row[None, None])
    assert lines == monitor.watch(sae).feed(x)
    with monitor.watch(sae).attach(model, every=64) as late:
        for row in x[:63]:
            model(row[None, None])
        assert not late, "nothing is encoded before `every` steps"
    assert late == monitor.watch(sae).feed(x[:63])
    with (
        pytest.raises(MismatchError, match="a batch of 2 streams"),
        monitor.watch(sae).attach(model),
    ):
        model(x[:2, None])


def test_a_saved_monitor_is_the_same(monitor, store, sae, tmp_path):
    monitor.save(tmp_path)
    read = st.open_monitor(tmp_path)
    assert (read.detections, read.alarms, read.about) == (
        monitor.detections,
        monitor.alarms,
        monitor.about,
    )
    x = store.sequence(0).values
    assert read.watch(sae).feed(x) == monitor.watch(sae).feed(x)
    with pytest.raises(MismatchError, match="another dictionary than the monitor was set with"):
        read.watch(Itself(4, gain=2.0))
    data = bytearray((tmp_path / "monitor.json").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "monitor.json").write_bytes(data)
    with pytest.raises(DamagedError):
        st.open_monitor(tmp_path)


def test_settings_that_do_not_fit(store, sae, tmp_path):
    def refused(error, message, alarms=None, **other):
        with pytest.raises(error, match=message):
            st.monitor(sae, store, {"a": 0} if alarms is None else alarms, progress=False, **other)

    refused(ConfigError, "got no alarms", {})
    refused(ConfigError, "got feature 9 for the alarm 'a', expected features from 0 to 3", {"a": 9})
    refused(ConfigError, "the alarm 'C4' by name without an index", {"a": "C4"})
    refused(ConfigError, "got false_alarms=0", false_alarms=0)
    refused(UnknownNameError, "unknown type of events of the store 'spik'", events={"a": "spik"})
    with pytest.raises(ConfigError, match="got feature 1 2 times in one alarm, expected it once"):
        st.monitors.Alarm((1, 3, 1), "all")
    with pytest.raises(ConfigError, match=r"features \[1.5\], expected their numbers"):
        as_alarms({"a": 1.5}, 4, None)
    with pytest.raises(ConfigError, match="combine='most'"):
        st.monitors.Alarm((1,), "most")
    tokens = make_store(tmp_path / "tokens", [np.ones((9, 4))] * 2)
    with pytest.raises(ConfigError, match="times are in token, expected seconds"):
        st.monitor(sae, tokens, {"a": 0}, progress=False)


def test_too_short_recordings_are_said(sae, tmp_path):
    rng = np.random.default_rng(3)
    short = make_store(tmp_path / "s", [rng.normal(size=(60, 4))] * 2, unit="second")
    with pytest.warns(UserWarning, match=r"0\.0167 hours without events set the threshold of 'a'"):
        monitor = st.monitor(sae, short, {"a": 0}, progress=False)
    assert monitor.drift_threshold < NEVER
    assert poisson_interval(0)[0] == 0
    assert poisson_interval(10) == pytest.approx((4.7954, 18.3904), abs=1e-3)
