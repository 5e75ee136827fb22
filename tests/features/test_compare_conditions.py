"""Comparison of conditions: planted differences are found, and the null keeps its rate."""

from __future__ import annotations

import numpy as np
import pytest
from known_codes import Itself, make_store

import sparsetime as st
from sparsetime import seeds
from sparsetime.errors import ConfigError, DataError, UnknownNameError
from sparsetime.features.build_index import index

RECORDINGS, STEPS, WIDTH = 24, 100, 300


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Features 0 to 4 fire more often in patients; rates of all differ among recordings.

    Feature 5 differs between the two recordings of a subject by far less than among subjects.
    """
    rng = seeds.numpy_generator(0, "planted codes")
    rows, labels = [], []
    for number in range(RECORDINGS):
        patient, subject = number % 2, number // 2
        rate = rng.uniform(0.0, 0.3, WIDTH)
        rate[:5] = 0.2 + 0.3 * patient + rng.uniform(-0.05, 0.05)
        x = (rng.random((STEPS, WIDTH)) < rate) * 1.0
        x[:, 5] = np.arange(STEPS) < 5 * subject + 3 * patient + 10
        rows.append(x)
        labels.append({"group": ["control", "patient"][patient], "subject": f"s{subject}"})
    folder = tmp_path_factory.mktemp("conditions")
    store = make_store(folder / "store", rows, labels=labels)
    return index(Itself(WIDTH), store, folder / "index", progress=False), store, rows


def compared(planted, **settings):
    made, store, _ = planted
    table = st.compare_conditions(made, store, "group", "patient", "control", **settings)
    prefix = "group patient vs control "
    return {
        name.removeprefix(prefix): table[name].to_numpy(zero_copy_only=False)
        for name in table.column_names
    }


def test_differences_are_found_with_their_interval(planted):
    made, _, rows = planted
    columns = compared(planted)
    rates = np.stack(rows).mean(1)
    assert columns["rate a"] == pytest.approx(rates[1::2].mean(0), rel=1e-4)
    assert columns["rate b"] == pytest.approx(rates[::2].mean(0), rel=1e-4)
    assert columns["difference"] == pytest.approx(columns["rate a"] - columns["rate b"], abs=1e-6)
    assert (columns["q"][:5] < 0.01).all() and (columns["low"][:5] > 0.2).all()
    assert (columns["effect"][:5] > 2).all()
    inside = (columns["low"] <= 0) & (columns["high"] >= 0)
    assert inside[6:].mean() > 0.85  # a bootstrap over 12 recordings is a little narrow
    name = "compare-group-patient-control"
    assert list(made.tables) == [name]
    assert made.columns["group patient vs control q"].definition.endswith("24 recordings")


def test_the_null_keeps_its_rate(planted):
    columns = compared(planted)
    p, q = columns["p"][6:], columns["q"][6:]
    assert 0.02 < (p <= 0.05).mean() < 0.09
    assert (q <= 0.05).sum() <= 2


def test_pairs_of_a_subject_are_compared_within_it(planted):
    """Subjects differ ten times as much as their two recordings."""
    assert compared(planted)["p"][5] > 0.2
    within = compared(planted, within="subject")
    assert within["difference"][5] == pytest.approx(0.03, abs=1e-6)
    # Every subject differs by the same: subjects that are drawn again change nothing.
    assert within["low"][5] == pytest.approx(0.03, abs=1e-6)
    assert within["high"][5] == pytest.approx(0.03, abs=1e-6)
    assert within["q"][5] < 0.01 and (within["q"][:5] < 0.05).all()
    assert 0.02 < (within["p"][6:] <= 0.05).mean() < 0.09


def test_recordings_without_a_subject_are_no_subject(tmp_path):
    rates, subjects = [3, 1, 5, 2, 0, 9, 0, 9], ["a", "a", "b", "b", *[None] * 4]
    rows = [np.repeat(np.arange(10) < rate, 2).reshape(10, 2) * 1.0 for rate in rates]
    labels = [
        {"on": n % 2 == 0} | ({} if subject is None else {"subject": subject})
        for n, subject in enumerate(subjects)
    ]
    store = make_store(tmp_path / "store", rows, labels=labels)
    made = index(Itself(2), store, tmp_path / "index", progress=False)
    table = st.compare_conditions(made, store, "on", True, False, within="subject", draws=20)
    assert table["on True vs False difference"][0].as_py() == pytest.approx(0.25)
    nobody = [{"on": n % 2 == 0, "subject": "ab"[n]} if n < 2 else {"on": n > 3} for n in range(8)]
    store = make_store(tmp_path / "nobody", rows, labels=nobody)
    made = index(Itself(2), store, tmp_path / "of nobody", progress=False)
    with pytest.raises(DataError, match="got 0 values of 'subject' with recordings of both"):
        st.compare_conditions(made, store, "on", True, False, within="subject")


def test_three_recordings_of_each_condition_prove_nothing(planted):
    made, store, _ = planted
    few = store.of_sequences(np.arange(6))
    small = index(Itself(WIDTH), few, made.path + "-few", progress=False)
    table = st.compare_conditions(small, store, "group", "patient", "control")
    q = table["group patient vs control q"].to_numpy(zero_copy_only=False)
    assert np.nanmin(q) > 0.05  # of 20 arrangements two have the largest difference
    assert "20 arrangements" in small.columns["group patient vs control p"].definition


def test_bad_input_is_refused_in_words(planted, tmp_path):
    made, store, _ = planted
    with pytest.raises(UnknownNameError, match="group"):
        st.compare_conditions(made, store, "groups", "patient", "control")
    with pytest.raises(UnknownNameError, match="patient"):
        st.compare_conditions(made, store, "group", "patients", "control")
    with pytest.raises(ConfigError, match="got 'patient' twice"):
        st.compare_conditions(made, store, "group", "patient", "patient")
    with pytest.raises(UnknownNameError, match="subject"):
        st.compare_conditions(made, store, "group", "patient", "control", within="subjects")
    with pytest.raises(DataError, match="got 0 values of 'group' with recordings of both"):
        st.compare_conditions(made, store, "group", "patient", "control", within="group")
    with pytest.raises(ConfigError, match="got draws=0, expected at least 20"):
        st.compare_conditions(made, store, "group", "patient", "control", draws=0)
    single = make_store(tmp_path / "store", [np.ones((9, 2))] * 3, labels=[{"g": v} for v in "aab"])
    of_single = index(Itself(2), single, tmp_path / "index", progress=False)
    with pytest.raises(DataError, match="got one recording with g=b"):
        st.compare_conditions(of_single, single, "g", "a", "b")
