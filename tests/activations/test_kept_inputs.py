"""Inputs kept beside activations: values, references to files, and what was recorded of them."""

import json

import numpy as np
import pytest
import torch
from torch import nn

import sparsetime as st
from sparsetime.errors import DamagedError, DataError, MismatchError, StoreError

CHANNELS = ("Fz", "Cz", "Pz")


def capture(data, out, **options):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.GRU(4, 4, batch_first=True))
    return st.capture(model, data, "1", out, progress=False, **options)


def eeg(name, seed, **facts):
    values = torch.randn(20 + seed, 3, generator=torch.Generator().manual_seed(seed))
    facts = {"rate": 256.0, "channels": CHANNELS, "units": ("uV",) * 3} | facts
    return st.Document(name, values=values, recording=st.Recording(**facts))


def test_an_array_is_kept_with_its_channels_rate_and_date(tmp_path):
    documents = [eeg("a", 0, date="2026-03-01T09:30:00"), eeg("b", 1)]
    store = capture(documents, tmp_path / "s", keep_input=True, shard_rows=8)
    for document, i in zip(documents, range(2), strict=True):
        sequence = st.open_store(store.path).sequence(i)
        assert sequence.unit == "second" and sequence.step == 1 / 256
        kept = sequence.input
        assert (kept.rate, kept.unit, kept.channels) == (256.0, "second", CHANNELS)
        assert kept.channel_units == ("uV",) * 3
        assert np.array_equal(kept.values(3, 9), document.values[3:9].numpy())
        assert kept.shape == tuple(document.values.shape)
        assert kept.steps_between(2 / 256, 4 / 256) == (2, 4)
        assert np.allclose(kept.times, sequence.times)
    assert store.sequence(0).input.recorded == "2026-03-01T09:30:00"
    store.verify()
    with pytest.raises(DataError, match="steps 0 to 99 are not within the 20 input steps of 'a'"):
        store.sequence(0).input.values(0, 99)


def test_what_is_recorded_is_there_without_keeping_values(tmp_path):
    store = capture([eeg("a", 0)], tmp_path / "s")
    assert store.sequence(0).input.channels == CHANNELS
    assert not store.sequence(0).input.is_kept
    with pytest.raises(DataError, match="the input of 'a' was not kept; capture with keep_input"):
        store.sequence(0).input.values()
    plain = capture([torch.zeros(4, 3)], tmp_path / "plain")
    assert plain.sequence(0).input is None and plain.manifest.schema_version == 1


def from_file(path):
    file = st.InputFile(str(path))
    values = torch.from_numpy(np.load(path))
    return st.Document(path.stem, values=values, recording=st.Recording(file=file))


def test_a_file_is_referred_to_and_found_after_both_moved(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    values = np.random.default_rng(0).normal(size=(30, 3)).astype("float32")
    np.save(home / "x.npy", values)
    store = capture([from_file(home / "x.npy")], home / "s", keep_input=True)
    assert not list((home / "s" / "shards").glob("*inputs*"))
    assert json.loads(store.sequences["input"][0].as_py())["relative"] == "../x.npy"
    home.rename(tmp_path / "moved")
    moved = st.open_store(tmp_path / "moved" / "s")
    assert np.array_equal(moved.sequence(0).input.values(), values)
    np.save(tmp_path / "moved" / "x.npy", values + 1)
    with pytest.raises(DamagedError, match=r"was changed since .* was captured from it"):
        st.open_store(tmp_path / "moved" / "s").sequence(0).input.values()
    (tmp_path / "moved" / "x.npy").unlink()
    with pytest.raises(StoreError, match="which does not exist; put it back"):
        st.open_store(tmp_path / "moved" / "s").sequence(0).input.values()


def test_several_sites_keep_one_copy(tmp_path):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.GRU(4, 4, batch_first=True))
    documents = [eeg("a", 0), eeg("b", 1)]
    st.capture(
        model, documents, ["0", "1"], tmp_path / "s", keep_input=True, progress=False, shard_rows=8
    )
    assert len(list((tmp_path / "s").rglob("*inputs*"))) == 2  # of the shards of the first site
    (tmp_path / "s").rename(tmp_path / "moved")
    for site in "01":
        store = st.open_store(tmp_path / "moved" / site)
        for i, document in enumerate(documents):
            assert np.array_equal(store.sequence(i).input.values(), document.values.numpy())


def test_joined_stores_read_their_own_inputs(tmp_path):
    documents = [eeg(name, seed) for seed, name in enumerate("abcde")]
    for number in range(2):
        capture(documents, tmp_path / "s", keep_input=True, part=(number, 2))
    joined = st.join([tmp_path / f"s/parts/{number}" for number in range(2)], tmp_path / "s")
    for i, document in enumerate(documents):
        assert np.array_equal(joined.sequence(i).input.values(), document.values.numpy())


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"channels": ("Fz", "Cz", "P3")}, "'b' has the channel 'P3', the first one, 'a', has the"),
        ({"channels": ("Cz", "Fz", "Pz")}, "has the channels 'Cz', 'Fz', 'Pz' in this order"),
        ({"channels": (), "units": ()}, "'b' has no names of channels"),
        ({"units": ("V",) * 3}, "has the units .* convert the values to one unit"),
        (
            {"rate": 128.0},
            "'b' has a sampling rate of 128 Hz, the first one, 'a', .* 256 Hz; resamp",
        ),
    ],
)
def test_recordings_that_do_not_fit_the_first_are_named_before_any_work(tmp_path, other, message):
    with pytest.raises(MismatchError, match=message):
        capture([eeg("a", 0), eeg("b", 1, **other)], tmp_path / "s")
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"rate": 0.0}, "got rate=0.0, expected steps a second above 0"),
        ({"channels": ("a", "a")}, "got the channel 'a' twice"),
        ({"channels": ("a",), "units": ("V", "V")}, "got 2 units for 1 channels"),
        ({"date": "1 March"}, "got date='1 March', expected ISO 8601"),
    ],
)
def test_recordings_that_contradict_themselves(facts, message):
    with pytest.raises(DataError, match=message):
        st.Recording(**facts)


def test_names_of_channels_fit_the_values():
    with pytest.raises(DataError, match="got 2 names of channels for the document 'a', whose"):
        st.Document("a", values=torch.zeros(4, 3), recording=st.Recording(channels=("x", "y")))


def test_times_of_uneven_inputs_are_those_that_were_given(tmp_path):
    times = np.cumsum([0.5, 1, 3, 0.25, 7, 1, 1, 2])
    uneven = st.Document("a", values=torch.randn(8, 3), times=times, unit="second")
    kept = capture([uneven], tmp_path / "s", keep_input=True).sequence(0).input
    np.testing.assert_array_equal(kept.times, times)
    assert kept.steps_between(4.5, 4.75) == (2, 3)
    assert kept.steps_between(4.6, 100) == (3, 8)
    assert kept.steps_between(-1, 0.5) == (0, 0)
    even = capture([torch.zeros(4, 3)], tmp_path / "even", keep_input=True)
    assert "input_times" not in even.sequences.column_names
