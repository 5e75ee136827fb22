"""Splits by sequence and by group; by time: test_split_by_time.py."""

import pytest
from small_store import write_store

import sparsetime as st
from sparsetime.errors import ConfigError, DataError, UnknownNameError


@pytest.fixture
def store(tmp_path):
    path = write_store(tmp_path / "store", [3, 4, 5, 6, 7, 8]).path
    rows = [{"id": f"document {n}", "subject": f"s{n // 2}"} for n in range(6)]
    return st.annotate(path, labels=rows)


def subjects(view):
    return set(view.labels["subject"].to_pylist())


def test_a_group_is_on_one_side(store):
    for seed in range(5):
        train, held_out = st.split(store, "group", label="subject", held_out=0.5, seed=seed)
        assert subjects(train) & subjects(held_out) == set()
        assert subjects(train) | subjects(held_out) == {"s0", "s1", "s2"}
        assert len(train) + len(held_out) == len(store)


def test_one_group_is_left_out(store):
    split = st.split(store, label="subject", groups=["s1"])
    assert split.held_out.labels["id"].to_pylist() == ["document 2", "document 3"]
    assert split.description == (
        "trained on all but subject s1; held out: subject s1 (1 of 3 groups, 2 of 6 sequences)"
    )


def test_the_default_says_what_it_did(store):
    several = st.split(store)
    assert several.held_out.note == "held out: 1 of 6 sequences, drawn with seed 0"
    alone = st.split(store.of_sequences(store.sequence_indices[-1:]))
    assert alone.description == (
        "trained on all before the last 10% of the steps of one sequence and a gap of a tenth as "
        "many; held out: the last 10% of the steps of one sequence, after a gap of a tenth as many"
    )


def test_a_split_of_a_part_says_both(store):
    train, _ = st.split(store, label="subject", groups=["s1"])
    assert st.split(train, "sequence", held_out=0.5).held_out.note == (
        "trained on all but subject s1; held out: 2 of 4 sequences, drawn with seed 0"
    )


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"by": "group"}, ConfigError, "without label="),
        ({"label": "subjct"}, UnknownNameError, "did you mean 'subject'"),
        ({"label": "subject", "groups": ["s7"]}, UnknownNameError, "unknown value of subject 's7'"),
        ({"label": "subject", "groups": ["s0", "s1", "s2"]}, ConfigError, "some and not all"),
        ({"by": "sequence", "label": "subject"}, ConfigError, "label='subject' for a split by seq"),
        ({"by": "time", "label": "subject"}, ConfigError, "split by time, which does not use it"),
        ({"by": "subject"}, UnknownNameError, "unknown way to split 'subject'"),
        ({"held_out": 1.0}, ConfigError, "expected a share between 0 and 1"),
    ],
)
def test_settings_that_do_not_fit(store, how, error, message):
    with pytest.raises(error, match=message):
        st.split(store, **how)


def test_sequences_without_the_label_are_named(store):
    partly = st.annotate(store, labels=[{"id": "document 1", "device": "x"}])
    with pytest.raises(
        DataError, match="5 of 6 sequences without the label 'device', the first 'd"
    ):
        st.split(partly, label="device")
    with pytest.raises(DataError, match=r"subject='s0' for all 2 sequences"):
        st.split(store.where(subject="s0"), label="subject")
    with pytest.raises(DataError, match="1 sequence to split by sequence, expected at least two"):
        st.split(store.where(topic=0), by="sequence")
