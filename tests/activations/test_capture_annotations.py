"""Captures of files with labels and events, and inputs that a store refers to by any reader."""

import numpy as np
import pytest
import torch
from recording_files import RATE, write_brainvision, write_edf, write_fif, write_video, write_wav
from toy_signals import whisper

import sparsetime as st
from sparsetime.activations.readers.recordings import recordings_of
from sparsetime.errors import DataError, MismatchError


def network(features=2):
    torch.manual_seed(0)
    return torch.nn.GRU(features, 4, batch_first=True)


def capture(data, out, **other):
    return st.capture(network(), data, ".", out, progress=False, **other)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "eeg").mkdir()
    for name in ("s1", "s2", "s3"):
        write_edf(tmp_path / "eeg" / f"{name}.edf", annotations=[(1.0, 0.5, "blink")])
    return tmp_path / "eeg"


LABELS = [{"id": f"s{n}", "group": "ab"[n % 2]} for n in (1, 2, 3)]


def test_a_folder_of_recordings_is_captured_with_its_tables(folder, tmp_path):
    labels = {name: [row[name] for row in LABELS] for name in ("id", "group")}
    rows = [{"id": "s2", "onset": 2.0, "duration": 0.2, "trial_type": "tone"}]
    store = capture(str(folder), tmp_path / "store", labels=labels, events=rows)
    assert store.labels["group"].to_pylist() == ["b", "a", "b"]
    assert store.events["trial_type"].to_pylist() == ["blink", "blink", "tone", "blink"]
    assert store.sequence(1).unit == "second"
    again = capture(str(folder), tmp_path / "store", labels=labels, events=rows)
    assert again.events.equals(store.events)


def test_parts_of_a_capture_have_their_own_events(folder, tmp_path):
    rows = [{"id": "s2", "onset": 2.0, "trial_type": "tone"}]
    for number in range(2):
        capture(folder, tmp_path / "store", events=rows, part=(number, 2))
    whole = st.join([tmp_path / "store" / "parts" / str(n) for n in range(2)], tmp_path / "whole")
    assert whole.events["id"].to_pylist() == ["s1", "s2", "s2", "s3"]
    assert whole.events["onset"].to_pylist() == [1, 1, 2, 1]


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"labels": {"id": ["s9"], "a": [1]}}, "the labels, row 1 names the recording 's9'"),
        ({"events": [{"id": "s9", "onset": 1.0}]}, "the events, row 1 names the recording 's9'"),
        ({"events": [{"id": "s1", "onset": 4.5}]}, "row 1 is outside its recording: .* 0 to 4"),
    ],
)
def test_tables_are_checked_before_anything_is_read(folder, tmp_path, monkeypatch, tables, message):
    def unread(*_):
        raise AssertionError("values were read")

    monkeypatch.setattr("sparsetime.activations.readers.eeg.ChannelSlices.__getitem__", unread)
    with pytest.raises(DataError, match=message):
        capture(folder, tmp_path / "store", **tables)
    assert not (tmp_path / "store").exists()


def test_tables_of_data_in_memory(tmp_path):
    documents = [st.Document(n, values=np.ones((9, 2), dtype=np.float32)) for n in "ab"]
    store = capture(documents, tmp_path / "store", events=[{"id": "b", "onset": 3.0}])
    assert store.events["first_step"].to_pylist() == [3]
    with pytest.raises(DataError, match="row 1 is outside its recording"):
        capture(documents, tmp_path / "other", events=[{"id": "b", "onset": 9.0}])
    with pytest.raises(DataError, match="two documents with the id 'a'"):
        capture([documents[0]] * 2, tmp_path / "other", events=[{"id": "a", "onset": 1.0}])


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("x.wav", lambda path: write_wav(path)),
        ("x.edf", lambda path: write_edf(path)),
        ("x.vhdr", lambda path: write_brainvision(path)),
        ("x_raw.fif", lambda path: write_fif(path)),
        ("x.npy", lambda path: np.save(path, np.arange(20.0).reshape(10, 2))),
        ("x.h5", lambda path: write_h5(path)),
    ],
)
def test_a_store_refers_to_the_files_of_every_reader(tmp_path, name, write):
    write(tmp_path / name)
    (document,) = st.read(tmp_path / name)
    model = network(document.values.shape[1])
    store = st.capture(model, tmp_path / name, ".", tmp_path / "s", keep_input=True, progress=False)
    kept = st.open_store(store.path).sequence(0).input
    expected = document.values.numpy()[3:7]
    assert np.array_equal(kept.values(3, 7).reshape(expected.shape), expected)
    assert not list((tmp_path / "s" / "shards").glob("*input*")), "nothing was copied"


def test_a_store_refers_to_frames(tmp_path):
    path = write_video(tmp_path / "x.mp4")
    (document,) = st.read(path)

    class Frames(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(3, 4)

        def forward(self, frames):
            return self.layer(frames.float().mean((2, 3)))

    store = st.capture(Frames(), path, "layer", tmp_path / "s", keep_input=True, progress=False)
    kept = store.sequence(0).input
    assert kept.rate == 10
    assert np.array_equal(kept.values(5, 8), document.values[5:8].numpy())


class Strided(torch.nn.Module):
    """Frames of 8 samples at every 4th, as a speech model makes them of a waveform."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.frames = torch.nn.Conv1d(1, 4, 8, stride=4)

    def forward(self, x):
        return self.frames(x.reshape(len(x), 1, -1))


def test_events_cover_rows_of_another_rate(tmp_path):
    write_wav(tmp_path / "x.wav")
    rng = np.random.default_rng(0)
    onsets = np.sort(rng.uniform(0, 1.9, 25)).tolist()
    rows = [{"id": "x", "onset": t, "duration": 0.09, "trial_type": "tone"} for t in onsets]
    store = st.capture(
        Strided(), tmp_path / "x.wav", "frames", tmp_path / "s", events=rows, time_axis=2,
        progress=False,
    )  # fmt: skip
    sequence = store.sequence(0)
    assert len(sequence) == 49, "of 200 samples"
    for event in store.events.to_pylist():
        end = event["onset"] + event["duration"]
        begins, stops = sequence.times, sequence.times + sequence.durations
        covered = np.flatnonzero((begins < end) & (stops > event["onset"]))
        expected = [covered[0], covered[-1] + 1] if len(covered) else None
        if expected:
            assert [event["first_step"], event["stop_step"]] == expected


def test_events_are_annotated_on_the_clock_of_the_input(tmp_path):
    write_wav(tmp_path / "x.wav")
    rows = [{"id": "x", "onset": t, "duration": 0.005} for t in (0.0, 0.5, 1.994)]
    settings = {"time_axis": 2, "progress": False}
    given = st.capture(
        Strided(), tmp_path / "x.wav", "frames", tmp_path / "a", events=rows, **settings
    )
    later = st.capture(Strided(), tmp_path / "x.wav", "frames", tmp_path / "b", **settings)
    sequence = later.sequence(0)
    assert sequence.times[0] > 0.005 and sequence.times[-1] + sequence.durations[-1] < 1.994
    assert st.annotate(later, events=rows).events.equals(given.events)
    with pytest.raises(DataError, match=r"row 1 is outside its recording: .* from 0 to 2;"):
        st.annotate(later, events=[{"id": "x", "onset": 2.0}])


def test_events_have_no_steps_of_a_decoder(tmp_path):
    mel = st.Document("m", values=torch.zeros(100, 8), decoder_tokens=[1, 5, 6])
    rows = [{"id": "m", "onset": 40.0, "duration": 5.0}]
    message = "got events for a site of the decoder, whose rows are the tokens that it reads"
    with pytest.raises(DataError, match=message):
        st.capture(
            whisper(), [mel], "decoder.layers.1", tmp_path / "s", events=rows, progress=False
        )
    assert not (tmp_path / "s").exists()
    store = st.capture(whisper(), [mel], "decoder.layers.1", tmp_path / "s", progress=False)
    events = st.annotate(store, events=[{"id": "m", "onset": 1.0, "duration": 2.0}]).events
    assert events.select(["first_step", "stop_step"]).to_pylist() == [
        {"first_step": 1, "stop_step": 3}
    ]


def test_rates_may_differ_where_the_rate_of_rows_is_given(tmp_path):
    write_wav(tmp_path / "a.wav")
    write_wav(tmp_path / "b.wav", rate=2 * RATE)
    with pytest.raises(MismatchError, match="a sampling rate of 200 Hz"):
        capture(str(tmp_path / "*.wav"), tmp_path / "s")
    found = recordings_of(str(tmp_path / "*.wav"), mixed_rates=True)
    assert [outline.rate for outline in found.outlines] == [RATE, 2 * RATE]


def write_h5(path):
    import h5py

    with h5py.File(path, "w") as file:
        file["x"] = np.arange(20.0, dtype=np.float32).reshape(10, 2)
        file["x"].attrs["rate"] = RATE


def test_texts_named_like_nothing_stay_texts(tmp_path):
    with pytest.raises(DataError, match="data is a single str"):
        capture("no file", tmp_path / "store")
    with pytest.raises(DataError, match=r"'nowhere/\*\.edf' is no file"):
        capture("nowhere/*.edf", tmp_path / "store")
