"""Peri-event averages: planted latencies are recovered, and the null keeps its rate."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from known_codes import Itself, make_store

import sparsetime as st
from sparsetime import seeds
from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.features.build_index import index
from sparsetime.features.events.peri_event import PERI_EVENT, response

RECORDINGS, STEPS, WIDTH = 12, 400, 120
LATENCIES = {0: 0, 1: 3, 2: 11, 3: 25, 4: -6}  # of features, in steps after a "click"
DURATION = 5


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Features that fire 5 steps long at a latency after clicks, in three of four, and at random.

    "beep" events drive nothing. All random features last some steps.
    """
    rng = seeds.numpy_generator(0, "planted codes")
    rows, events = [], []
    for number in range(RECORDINGS):
        x = np.repeat(rng.random((STEPS // 4, WIDTH)) < 0.08, 4, axis=0) * 1.0
        x[:, 0] *= rng.random(STEPS) < 0.2
        for kind in ("click", "beep"):
            onsets = 40 + np.cumsum(rng.integers(20, 60, size=7))
            events += [(number, int(step), kind) for step in onsets if step < STEPS]
            for step in onsets if kind == "click" else ():
                for feature, latency in LATENCIES.items():
                    at = step + latency
                    if rng.random() < 0.75:
                        x[max(0, at) : at + DURATION, feature] = 1.0
        rows.append(x)
    folder = tmp_path_factory.mktemp("events")
    store = make_store(folder / "store", rows)
    made = index(Itself(WIDTH), store, folder / "index", progress=False)
    names = ("sequence", "first_step", "trial_type")
    table = dict(zip(names, map(list, zip(*events, strict=True)), strict=True))
    return made, table


@pytest.fixture(scope="module")
def averages(planted):
    made, table = planted
    return st.peri_event(made, table, before=30, after=50, progress=False)


def test_latencies_are_recovered_within_a_step(averages):
    for feature, latency in LATENCIES.items():
        row = averages.rows(feature)[0]
        assert row["type"] == "click" and row["q"] < 0.01
        assert abs(row["latency"] - latency) <= 1
        assert abs(row["duration"] - DURATION) <= 2
        assert row["peak"] == pytest.approx(0.75, abs=0.15)
        assert len(row["curve"]) == 81 and max(row["curve"]) == row["peak"]


def test_the_null_keeps_its_rate(averages):
    table = averages.table.to_pydict()
    idle = [
        p
        for p, f, kind in zip(table["p"], table["feature"], table["type"], strict=True)
        if f not in LATENCIES or kind == "beep"
    ]
    assert len(idle) > 200
    assert 0.015 < (np.array(idle) <= 0.05).mean() < 0.09
    found = sum(q <= 0.05 for q in table["q"])
    assert found - len(LATENCIES) <= 2
    row = averages.rows(50)[0]
    assert row["null_rate"] == pytest.approx(0.08, abs=0.02)
    assert row["baseline"] == pytest.approx(row["null_rate"], abs=3 * row["null_sd"])


def test_what_is_written_can_be_read_again(planted, averages):
    made, _ = planted
    again = st.open_index(made.path).details(PERI_EVENT)
    assert again.table.equals(averages.table)
    assert again.about["types"][0]["name"] == "beep"
    kind = again.about["types"][1]
    assert kind["events"] > 60 and len(kind["onsets"]) == 60


def test_the_changes_of_a_label_are_events(tmp_path):
    kinds = [["a"] * 5 + ["b"] * 5 + ["a"] * 5, ["b"] * 15]
    store = make_store(tmp_path / "store", [np.ones((15, 2))] * 2, steps={"kind": kinds})
    made = index(Itself(2), store, tmp_path / "index", progress=False)
    onsets = st.features.label_onsets(made, store, "kind")
    assert onsets.to_pydict() == {
        "sequence": [0, 0], "first_step": [5, 10], "trial_type": ["b", "a"],
    }  # fmt: skip


def columns_of(events):
    """The table of events with these rows, in order of their onsets."""
    names = ("id", "onset", "duration", "trial_type")
    rows = sorted(events)
    return pa.table({name: [row[at] for row in rows] for at, name in enumerate(names)})


def test_events_of_a_store_are_averaged_and_name_features(tmp_path):
    """Feature 0 is active while a "seizure" lasts, 1 at random."""
    rng = seeds.numpy_generator(1, "planted codes")
    rows, events = [], []
    for number in range(8):
        x = (rng.random((200, 2)) < 0.1) * 1.0
        x[:, 0] = 0.0
        for start in (40, 130):
            onset = start + int(rng.integers(0, 20))
            x[onset : onset + 10, 0] = 1.0
            events.append((f"document {number}", onset * 1.0, 10.0, "seizure"))
        rows.append(x)
    store = make_store(tmp_path / "store", rows)
    annotated = st.annotate(store, events=columns_of(events))
    made = index(Itself(2), annotated, tmp_path / "index", progress=False)
    row = st.peri_event(made, annotated, draws=50, progress=False).rows(0)[0]
    assert (row["type"], row["latency"], row["duration"]) == ("seizure", 0, 10)
    scores = st.label_features(made, annotated, draws=50, progress=False)
    best = scores.rows(0)[0]
    assert best["name"] == "seizure" and best["precision"] == best["recall"] == 1.0
    assert best["label"] == "event"
    assert scores.about["labels"][0]["values"] == ["no event", "seizure"]
    both = columns_of([*events, ("document 0", 0.0, 190.0, "drug")])
    annotated = st.annotate(store, events=both)
    scores = st.label_features(made, annotated, draws=50, progress=False)
    assert scores.rows(0)[0]["label"] == scores.rows(0)[0]["name"] == "seizure"
    with pytest.raises(DataError, match="has no events; annotate it"):
        st.peri_event(made, make_store(tmp_path / "other", rows))


def test_the_latency_is_where_the_response_around_the_peak_begins():
    rate = np.array(
        [[0.1, 0.1, 0.6, 0.1, 0.8, 0.9, 0.6, 0.1], [0.9, 0.9, 0.9, 0.1, 0.1, 0.9, 1, 1]]
    )
    base, peak, latency, duration = response(rate, 2)
    assert base == pytest.approx([0.1, 0.9])
    assert peak.tolist() == [3, 1] and latency.tolist() == [2, 1]
    assert duration.tolist() == [3, 2]
    _, peak, latency, duration = response(np.zeros((1, 5)), 2)
    assert peak.tolist() == latency.tolist() == duration.tolist() == [0]


def test_a_feature_of_some_recordings_only_is_no_response(tmp_path):
    """Feature 0 is never active in the recordings with events, and often in the others."""
    rng = seeds.numpy_generator(2, "planted codes")
    rows = [(rng.random((200, 60)) < 0.1) * 1.0 for _ in range(8)]
    for number, x in enumerate(rows):
        x[:, 0] = rng.random(200) < 0.5 * (number >= 4)
    store = make_store(tmp_path / "store", rows)
    made = index(Itself(60), store, tmp_path / "index", progress=False)
    events = {
        "sequence": [0, 1, 2, 3] * 5,
        "first_step": [int(s) for s in rng.integers(0, 200, 20)],
    }
    table = st.peri_event(made, events, draws=50, progress=False)
    assert all(row["p"] > 0.2 for row in table.rows(0))
    assert sum(q <= 0.05 for q in table.table["q"].to_pylist()) <= 1


def test_types_with_too_few_onsets_are_left_out_by_name(planted):
    made, table = planted
    types = [*(["rare"] * 4), *pa.table(table)["trial_type"].to_pylist()[4:]]
    made_of_types = st.peri_event(made, {**table, "trial_type": types}, draws=20, progress=False)
    assert made_of_types.about["too_few"] == ["rare"]
    assert {row["type"] for row in made_of_types.table.to_pylist()} == {"click", "beep"}


def test_bad_input_is_refused_in_words(planted):
    made, table = planted
    with pytest.raises(MismatchError, match="expected 'sequence' and 'first_step'"):
        st.peri_event(made, {"onset": [1.0]})
    with pytest.raises(DataError, match="event 1 begins at step 400 of sequence 2, which has 400"):
        st.peri_event(made, {"sequence": [2], "first_step": [400]})
    for steps, message in (([1.5], "with 0 empty"), ([1, None], "with 1 empty")):
        with pytest.raises(DataError, match=rf"'first_step' is of type \w+ {message}"):
            st.peri_event(made, {"sequence": [0] * len(steps), "first_step": steps})
    with pytest.raises(DataError, match="none of them in an indexed sequence"):
        st.peri_event(made, {"sequence": [99], "first_step": [0]})
    with pytest.raises(DataError, match="fewer than 5 events of every type"):
        st.peri_event(made, pa.table(table).slice(0, 3))
    with pytest.raises(ConfigError, match="got before=0"):
        st.peri_event(made, table, before=0)
