"""A store gives back what was written, in order, from disk and from URLs."""

import json
import uuid

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_store import shards_of, values_of, write_store, writer_at

from sparsetime.activations.sources.source import Source, check_model, check_width
from sparsetime.activations.store.open_store import open_store
from sparsetime.errors import ConfigError, DataError, MismatchError, StoreError, UnknownNameError

LENGTHS = [5, 1, 12, 0, 3, 9]


@pytest.fixture
def store(tmp_path):
    return write_store(tmp_path / "store", LENGTHS)


def test_a_store_says_what_it_is(store, tmp_path):
    assert (store.d, store.site, store.dtype, store.unit) == (3, "layer", "float32", "token")
    assert (store.model_name, store.model_hash) == ("toy", "abc")
    assert store.path == str(tmp_path / "store")
    assert len(store) == 30
    assert isinstance(store, Source)
    assert "6 sequences, 30 rows of width 3" in repr(store)


def test_the_manifest_is_json_with_a_checksum_per_file(store, tmp_path):
    manifest = json.loads((tmp_path / "store/manifest.json").read_text())
    assert manifest["schema_version"] == 1
    assert manifest["complete"] is True
    assert (manifest["rows"], manifest["sequences"]) == (30, 6)
    assert [shard["rows"] for shard in manifest["shards"]] == [7, 7, 7, 7, 2]
    for shard in manifest["shards"]:
        for record in shard["files"].values():
            assert len(record["sha256"]) == 64


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_rows_come_back_in_order_as_float32(tmp_path, dtype):
    store = write_store(tmp_path / dtype, LENGTHS, dtype=dtype)
    expected = values_of(30, dtype=getattr(torch, dtype)).float()
    assert store.dtype == dtype
    assert torch.equal(store.read(0, 30), expected)
    assert torch.equal(store.read(6, 15), expected[6:15])
    assert store.read(4, 4).shape == (0, 3)


@settings(max_examples=15, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 20), min_size=1, max_size=12).filter(any),
    shard_rows=st.integers(1, 30),
)
def test_every_sequence_comes_back_whole(tmp_path_factory, lengths, shard_rows):
    store = write_store(tmp_path_factory.mktemp("s") / "x", lengths, shard_rows)
    first = np.cumsum(lengths) - np.array(lengths)
    assert store.sequences["length"].to_pylist() == lengths
    assert store.sequences["first_row"].to_pylist() == first.tolist()
    for i, length in enumerate(lengths):
        sequence = store.sequence(i)
        assert (sequence.index, sequence.id) == (i, f"document {i}")
        assert sequence.labels == {"topic": i}
        assert sequence.text == f"text {i}"
        assert sequence.times.tolist() == list(range(length))
        assert torch.equal(sequence.values, values_of(sum(lengths))[first[i] : first[i] + length])
        assert sequence.steps["position"].to_pylist() == list(range(length))


def test_steps_join_the_shards_and_unify_their_dictionaries(store):
    steps = store.steps(["position", "kind"])
    assert steps.column_names == ["position", "kind"]
    assert steps["kind"].to_pylist() == [f"kind {r % 3}" for r in range(30)]
    assert pa.types.is_dictionary(steps.schema.field("kind").type)
    with pytest.raises(UnknownNameError, match=r"unknown step column 'kin': did you mean 'kind'"):
        store.steps(["kin"])


def test_a_split_is_by_sequence_and_reads_its_own_rows(store):
    train, held_out = store.split(0.34, seed=3)
    parts = set(train.sequence_indices.tolist()), set(held_out.sequence_indices.tolist())
    assert parts[0] | parts[1] == set(range(6))
    assert not parts[0] & parts[1]
    assert len(parts[1]) == 2
    assert len(train) + len(held_out) == 30
    for view in (train, held_out):
        rows = [r for i in view.sequence_indices.tolist() for r in _rows_of(i)]
        assert view.read(0, len(view))[:, 0].tolist() == rows
        assert view.steps(["sequence"])["sequence"].to_pylist() == [
            i for i in view.sequence_indices.tolist() for _ in _rows_of(i)
        ]
        assert view.sequences["id"].to_pylist() == [
            f"document {i}" for i in view.sequence_indices.tolist()
        ]
        assert view.sequence(0).index == view.sequence_indices[0]
    again = store.split(0.34, seed=3)[1]
    assert again.sequence_indices.tolist() == held_out.sequence_indices.tolist()
    inner = train.split(0.5)[0]
    assert set(inner.sequence_indices.tolist()) < parts[0]


def _rows_of(i):
    first = sum(LENGTHS[:i])
    return range(first, first + LENGTHS[i])


@pytest.mark.parametrize("scheme", ["memory", "file"])
def test_urls_work(tmp_path, scheme):
    url = f"memory://{uuid.uuid4().hex}" if scheme == "memory" else f"file://{tmp_path}/u"
    store = write_store(url, LENGTHS)
    assert torch.equal(open_store(url).read(0, 30), values_of(30))
    assert torch.equal(torch.cat(list(store.rows(8)))[:, 0].sort().values, torch.arange(30.0))
    assert store.sequence(2).steps["kind"].to_pylist() == [f"kind {r % 3}" for r in range(6, 18)]
    store.verify()


def test_a_finished_store_is_left_as_it_is(store, tmp_path):
    before = (tmp_path / "store/manifest.json").read_bytes()
    again = write_store(tmp_path / "store", LENGTHS)
    assert len(again) == 30
    assert (tmp_path / "store/manifest.json").read_bytes() == before
    with pytest.raises(StoreError, match=r"is a finished store; nothing can be appended"):
        writer_at(tmp_path / "store").append(*next(shards_of(LENGTHS, 7)))


def test_labels_may_be_given_as_a_struct(tmp_path):
    writer = writer_at(tmp_path / "s")
    x, steps, _ = next(shards_of([2], 7))
    labels = pa.array([{"b": 1, "a": "x"}])
    writer.append(x, steps, pa.table({"id": ["one"], "length": [2], "labels": labels}))
    assert writer.finish().sequence(0).labels == {"a": "x", "b": 1}


def test_times_follow_start_and_step(tmp_path):
    writer = writer_at(tmp_path / "s")
    x, steps, _ = next(shards_of([3], 7))
    writer.append(x, steps, pa.table({"id": ["one"], "length": [3], "start": [2.0], "step": [0.5]}))
    assert writer.finish().sequence(0).times.tolist() == [2.0, 2.5, 3.0]


def test_settings_out_of_range_say_so(store, tmp_path):
    with pytest.raises(ConfigError, match=r"got held_out=1.5, expected a share between 0 and 1"):
        store.split(1.5)
    with pytest.raises(DataError, match=r"at most 1 steps, which leave none for training beside"):
        store.split(0.9)[0].split()
    with pytest.raises(DataError, match=r"shows 6 sequences here, numbered from 0; number 6 was"):
        store.sequence(6)
    with pytest.raises(DataError, match=r"rows 20 to 31 are not within the 30 rows"):
        store.read(20, 31)
    with pytest.raises(
        ConfigError, match=r"got dtype='int8', expected one of float32, float16, bfloat16"
    ):
        writer_at(tmp_path / "y", dtype="int8")


def test_what_does_not_belong_together_says_so(store):
    check_width(store, 3)
    with pytest.raises(
        MismatchError, match=r"dictionary reads activations of width 8, the source gives width 3"
    ):
        check_width(store, 8)
    check_model(store, None)
    check_model(store, "abc")
    with pytest.raises(
        MismatchError, match=r"hash xyz, the source was captured from toy with hash"
    ):
        check_model(store, "xyz")


def test_shards_that_do_not_fit_are_refused(tmp_path):
    writer = writer_at(tmp_path / "s")
    x, steps, begun = next(shards_of([4, 3], 7))
    wide = torch.zeros(7, 4)
    with pytest.raises(
        MismatchError, match=r"got float32 \[7, 4\], expected a shard of float32 \[rows, 3\]"
    ):
        writer.append(wide, steps, begun)
    with pytest.raises(MismatchError, match=r"got float16 \[7, 3\], expected"):
        writer.append(x.half(), steps, begun)
    with pytest.raises(MismatchError, match=r"got 7 rows and 6 steps, expected"):
        writer.append(x, steps.slice(1), begun)
    with pytest.raises(
        MismatchError, match=r"got position, kind as the first .* expected sequence and position"
    ):
        writer.append(x, steps.select(["position", "kind"]), begun)
    with pytest.raises(MismatchError, match=r"open or begin in it have only 4"):
        writer.append(x, steps, begun.slice(0, 1))
    with pytest.raises(MismatchError, match=r"do not continue the store"):
        writer.append(x.flip(0), steps.take(list(range(7))[::-1]), begun)
    with pytest.raises(MismatchError, match=r"the sequence table lacks length"):
        writer.append(x, steps, begun.drop_columns(["length"]))
    assert writer.shards_done == 0


def test_an_empty_or_cut_off_store_cannot_be_finished(tmp_path):
    with pytest.raises(DataError, match=r"no activations were captured .* the data is empty"):
        writer_at(tmp_path / "empty").finish()
    writer = writer_at(tmp_path / "short")
    writer.append(*next(shards_of([12], 7)))
    with pytest.raises(DataError, match=r"sequences have 12 rows in all, 7 were appended"):
        writer.finish()


def test_a_view_by_label_holds_the_sequences_that_have_it(store):
    part = store.where(topic=2)
    assert part.sequence_indices.tolist() == [2]
    assert part.read(0, len(part))[:, 0].tolist() == [*_rows_of(2)]
    with pytest.raises(UnknownNameError, match="'topic'"):
        store.where(tpic=2)
    with pytest.raises(DataError, match=r"none of the 6 sequences of .* has topic=7; look at"):
        store.where(topic=7)
    with pytest.raises(DataError, match="none of the 1 sequences"):
        part.where(topic=3)  # a part of a part
