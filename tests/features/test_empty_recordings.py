"""Recordings without steps change nothing that labels, events and conditions say of the others."""

from __future__ import annotations

import numpy as np
import pytest
from known_codes import Itself, make_store

import sparsetime as st
from sparsetime import seeds
from sparsetime.features.build_index import index

STEPS, WIDTH = 100, 12


def made_from(folder, empty):
    """Ten recordings with labels; with `empty`, one without steps in the middle and one at the end.

    Feature 0 fires on the note "b", feature 1 in recordings of A.
    """
    rng = seeds.numpy_generator(0, "planted codes")
    rows, notes, labels = [], [], []
    for number in range(10):
        note = np.repeat(rng.integers(0, 3, STEPS // 5), 5)
        x = (rng.random((STEPS, WIDTH)) < 0.2) * 1.0
        x[:, 0] = note == 1
        x[:, 1] *= number % 2 == 0
        rows.append(x)
        notes.append(["abc"[n] for n in note])
        labels.append({"singer": "AB"[number % 2], "title": f"take {number}"})
    for place in (5, 11) if empty else ():
        rows.insert(place, np.zeros((0, WIDTH)))
        notes.insert(place, [])
        labels.insert(place, {"singer": "A", "title": f"nothing {place}"})
    store = make_store(folder / "store", rows, steps={"note": notes}, labels=labels)
    return index(Itself(WIDTH), store, folder / "index", progress=False), store


@pytest.fixture
def both(tmp_path):
    """Index and store of the recordings, without and with empty ones."""
    return [made_from(tmp_path / name, name == "empty") for name in ("filled", "empty")]


@pytest.mark.filterwarnings("error")
def test_labels(both):
    filled, empty = (
        st.label_features(made, store, progress=False, draws=20) for made, store in both
    )
    assert empty.about.pop("measured_on").startswith("12 sequences")  # the empty ones count
    assert filled.about.pop("measured_on").startswith("10 sequences")
    assert empty.about == filled.about
    assert empty.table.equals(filled.table)
    assert {row["label"] for row in empty.rows(0)} <= {"note", "singer"}  # no title


@pytest.mark.filterwarnings("error")
def test_events(both):
    filled, empty = (
        st.peri_event(made, st.features.label_onsets(made, store, "note"), draws=20, progress=False)
        for made, store in both
    )
    for name in ("feature", "type", "events", "baseline", "peak", "latency"):
        rows = [
            sorted(zip(*(t.table[c].to_pylist() for c in ("feature", "type", name)), strict=True))
            for t in (filled, empty)
        ]
        assert rows[0] == rows[1]


@pytest.mark.filterwarnings("error")
def test_conditions(both):
    filled, empty = (
        st.compare_conditions(made, store, "singer", "A", "B", draws=50) for made, store in both
    )
    assert empty.equals(filled)
