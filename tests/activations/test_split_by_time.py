"""A split by time, for one long recording and for several."""

import pytest
import torch
from small_store import values_of, write_store

import sparsetime as st
from sparsetime.errors import ConfigError, DataError


def test_one_recording_is_split_by_time_with_a_gap(tmp_path):
    store = write_store(tmp_path / "store", [50])
    train, held_out = store.split(0.2)
    x = values_of(50)
    assert torch.equal(train.read(0, len(train)), x[:39])  # ten are held out, one lies between
    assert torch.equal(held_out.read(0, len(held_out)), x[40:])
    assert torch.equal(held_out.sequence(0).values, x[40:])
    assert held_out.sequence(0).times.tolist() == list(range(40, 50))
    assert held_out.sequence(0).steps["position"].to_pylist() == list(range(40, 50))
    rows = torch.cat(list(train.rows(8)))
    assert sorted(rows[:, 0].tolist()) == list(range(39))
    assert train.fingerprint != held_out.fingerprint


def test_several_recordings_are_each_split(tmp_path):
    store = write_store(tmp_path / "store", [20, 3, 10])
    train, held_out = store.split_by_time(0.3, gap=2)
    assert [len(train.sequence(n)) for n in range(2)] == [12, 5], "three steps are too few"
    assert [len(held_out.sequence(n)) for n in range(2)] == [6, 3]
    assert train.sequence_indices.tolist() == [0, 2]
    assert held_out.read(0, 9)[:, 0].tolist() == [*range(14, 20), *range(30, 33)]
    again, rest = held_out.split(0.5)
    assert len(again) + len(rest) == 9


def test_the_share_seen_in_training_is_of_steps(tmp_path):
    from sparsetime.activations.store.provenance import fraction_seen, provenance, sequences_hash

    store = write_store(tmp_path / "store", [50])
    train, held_out = store.split(0.2)
    seen = provenance(train)
    assert fraction_seen(seen, held_out) == 0
    assert fraction_seen(seen, train) == 1
    assert fraction_seen(seen, store) == pytest.approx(39 / 50)
    assert fraction_seen(provenance(store), held_out) == 1
    assert len({sequences_hash(one) for one in (store, train, held_out)}) == 3
    assert "spans" not in provenance(store)


def test_what_cannot_be_split_by_time_says_so(tmp_path):
    short = write_store(tmp_path / "short", [2])
    with pytest.raises(
        DataError, match=r"at most 2 steps, which leave none for training beside held"
    ):
        short.split(0.5)
    store = write_store(tmp_path / "store", [50])
    with pytest.raises(ConfigError, match="got gap=-1, expected a number of steps from 0 on"):
        store.split_by_time(0.2, gap=-1)
    with pytest.raises(ConfigError, match=r"got held_out=1.5, expected a share between 0 and 1"):
        store.split_by_time(1.5)


def test_train_and_evaluate_on_one_recording(tmp_path):
    walk = torch.randn(1, 1500, 3, generator=torch.Generator().manual_seed(0)).cumsum(1)
    torch.manual_seed(0)
    model = torch.nn.LSTM(3, 8, batch_first=True)
    store = st.capture(model, walk, site=".", out=tmp_path / "a", progress=False)
    train, held_out = store.split(0.2)
    sae = st.dictionary("topk", d_in=8, width=16, k=2)
    run = st.train(sae, train, out=tmp_path / "sae", rows=2000, batch=100, show=False)
    report = st.evaluate(run.dictionary, held_out, progress=False)
    assert report.about["seen_in_training"] == 0
    assert report.about["steps"] == 300
    assert {"fvu", "l0", "dwell", "half_life", "roughness"} <= report.keys()
    assert report.left_out["between_share"].startswith("there is one sequence")
