"""Labels and events beside a store: tables, checks by file and row, and views of them."""

import numpy as np
import pytest
from small_store import write_store

import sparsetime as st
from sparsetime.errors import DamagedError, DataError


@pytest.fixture
def path(tmp_path):
    return write_store(tmp_path / "store", [10, 20, 5]).path


def table(tmp_path, text, name="events.csv"):
    (tmp_path / name).write_text(text)
    return tmp_path / name


def test_labels_are_added_to_those_of_the_capture(path, tmp_path):
    labels = table(tmp_path, "id,subject,age\ndocument 0,007,31\ndocument 2,s2,n/a\n", "labels.csv")
    store = st.annotate(path, labels=labels)
    assert store.labels.to_pydict() == {
        "id": ["document 0", "document 1", "document 2"],
        "age": [31, None, None],
        "subject": ["007", None, "s2"],
        "topic": [0, 1, 2],
    }
    assert store.sequence(0).labels == {"topic": 0, "subject": "007", "age": 31}
    again = st.annotate(path, labels=[{"id": "document 1", "subject": "s1"}])
    assert again.labels["subject"].to_pylist() == ["007", "s1", "s2"]
    assert st.open_store(path).where(subject="s1").sequence(0).id == "document 1"


def test_events_have_the_steps_that_they_cover(path, tmp_path):
    text = "id\tonset\tduration\ttrial_type\tvolume\n"
    text += "document 1\t2.5\t3\ttone\t0.5\ndocument 1\t19\t1\ttone\t1\ndocument 0\t4\t1\t7\t2\n"
    events = st.annotate(path, events=table(tmp_path, text, "events.tsv")).events
    assert events.to_pydict() == {
        "sequence": [0, 1, 1],
        "id": ["document 0", "document 1", "document 1"],
        "onset": [4.0, 2.5, 19.0],
        "duration": [1.0, 3.0, 1.0],
        "trial_type": ["7", "tone", "tone"],
        "volume": [2.0, 0.5, 1.0],
        "first_step": [4, 2, 19],
        "stop_step": [5, 6, 20],
    }


def test_a_view_shows_the_events_of_its_steps(path):
    rows = [
        {"id": "document 1", "onset": float(t), "duration": d, "trial_type": "x"}
        for t, d in [(1, 1.0), (5, 14.0), (17, 1.0)]
    ]
    store = st.annotate(path, events=rows)
    train, held_out = store.split_by_time(0.2, gap=2)
    assert train.events["onset"].to_pylist() == [1, 5]
    assert train.events["stop_step"].to_pylist() == [2, 14]
    assert held_out.events["onset"].to_pylist() == [5, 17]
    assert held_out.events["first_step"].to_pylist() == [0, 1]
    assert store.where(topic=0).events.num_rows == 0


def test_a_joined_store_has_the_events_and_labels_of_its_parts(tmp_path):
    parts = [write_store(tmp_path / name, [6, 4]).path for name in "ab"]
    for number, part in enumerate(parts):
        st.annotate(part, labels=[{"id": "document 1", "part": number}])
        st.annotate(part, events=[{"id": "document 1", "onset": number + 1.0, "trial_type": "x"}])
    whole = st.join(parts, tmp_path / "whole")
    assert whole.events.select(["sequence", "onset"]).to_pydict() == {
        "sequence": [1, 3],
        "onset": [1.0, 2.0],
    }
    assert whole.labels["part"].to_pylist() == [None, 0, None, 1]


def test_a_table_named_after_its_recording_needs_no_id(tmp_path):
    from sparsetime.activations.annotations.event_table import EventTable, RecordingTime

    times = {f"sub-{n}_task-rest_eeg": RecordingTime(0, 1, 9) for n in (1, 2)}
    text = "onset\tduration\n3\t1\n"
    bids = EventTable(table(tmp_path, text, "sub-2_task-rest_events.tsv"))
    (row,) = bids.rows_of(times)
    assert (row["id"], row["trial_type"]) == ("sub-2_task-rest_eeg", "sub-2_task-rest_events")
    with pytest.raises(DataError, match=r"other\.csv without a column id for 2 recordings, no rec"):
        EventTable(table(tmp_path, "onset\n1\n", "other.csv")).rows_of(times)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,onset,duration\ndocument 0,2,1\ndocument 0,9.5,1\n", r"events\.csv, row 2 is outside"),
        ("id,onset\ndocument 0,-1\n", r"events\.csv, row 1 is outside .* from 0 to 10"),
        ("id,onset\ndocument 9,1\n", r"row 1 names the recording 'document 9', which does not"),
        (
            "id,onset\ndocument 0,5\ndocument 1,1\ndocument 0,4\n",
            r"row 3 begins at 4, before row 1",
        ),
        ("id,onset,duration\ndocument 0,2,-1\n", r"row 1 lasts -1"),
        ("id,onset\ndocument 0,n/a\n", r"row 1 has nothing as onset"),
        ("id,onset\ndocument 0,soon\n", r"row 1 has 'soon' as onset"),
        ("id,onset\n,3\n", r"row 1 has no id"),
        ("id,begin\ndocument 0,3\n", r"columns id, begin, expected onset; add onset"),
        ("id,onset,first_step\ndocument 0,3,1\n", r"a column 'first_step', which a store adds"),
        ("onset\n3\n", r"without a column id for 3 recordings"),
        ("id,onset\ndocument 0,3,4\n", r"events\.csv cannot be read as a table"),
    ],
)
def test_events_that_do_not_fit_are_named_by_file_and_row(path, tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        st.annotate(path, events=table(tmp_path, text))
    assert st.open_store(path).events.num_rows == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,a\ndocument 0,1\ndocument 7,2\n", r"l\.csv, row 2 names the recording 'document 7'"),
        ("id,a\ndocument 0,1\ndocument 0,2\n", r"row 2 labels 'document 0', which row 1 labels"),
        ("name,a\ndocument 0,1\n", r"l\.csv with the columns name, a, expected id; add id"),
        ("id\ndocument 0\n", r"with the column id alone"),
        ("id,a\n,1\n", r"row 1 has no id"),
    ],
)
def test_labels_that_do_not_fit_are_named_by_file_and_row(path, tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        st.annotate(path, labels=table(tmp_path, text, "l.csv"))


def test_zero_durations_are_instants_and_said_to_be(path, tmp_path):
    file = table(tmp_path, "id,onset,duration\ndocument 0,2,1\ndocument 0,3,0\n")
    with pytest.warns(UserWarning, match=r"events\.csv, row 2 has no duration, as 1 of 2 rows"):
        store = st.annotate(path, events=file)
    assert store.events["stop_step"].to_pylist() == [3, 4]


def test_files_that_are_no_tables(path, tmp_path):
    with pytest.raises(DataError, match=r"got nowhere\.csv as the events, and there is no such"):
        st.annotate(path, events="nowhere.csv")
    with pytest.raises(DataError, match=r"expected a table in \.csv, \.tsv or \.parquet"):
        st.annotate(path, events=table(tmp_path, "x", "events.xlsx"))
    with pytest.raises(DataError, match=r"got a float as the labels, expected a path, a table"):
        st.annotate(path, labels=3.5)


def test_a_damaged_or_foreign_table_is_named(path, tmp_path):
    st.annotate(path, events=[{"id": "document 2", "onset": 1.0}])
    file = tmp_path / "store" / "events.parquet"
    other = write_store(tmp_path / "other", [10]).path
    (tmp_path / "other" / "events.parquet").write_bytes(file.read_bytes())
    with pytest.raises(DamagedError, match="belongs to another store: this one has 1 seq"):
        st.open_store(other).events  # noqa: B018
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(DamagedError, match=r"events\.parquet"):
        st.open_store(path).events  # noqa: B018


def test_steps_of_events_against_times_one_by_one(path):
    rng = np.random.default_rng(0)
    onset = np.sort(rng.uniform(0, 19, 40))
    duration = rng.uniform(0, 1, 40)
    rows = [
        {"id": "document 1", "onset": a, "duration": d}
        for a, d in zip(onset.tolist(), duration.tolist(), strict=True)
    ]
    for event in st.annotate(path, events=rows).events.to_pylist():
        end = event["onset"] + event["duration"]
        covered = [i for i in range(20) if i < end and i + 1 > event["onset"]]
        assert list(range(event["first_step"], event["stop_step"])) == covered
