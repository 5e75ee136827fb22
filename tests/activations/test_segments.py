"""Segments of time: what they say of rows, and how every source gives them."""

import pytest
import torch
from small_store import write_store

import sparsetime as st
from sparsetime.activations.sampling.batching import batches
from sparsetime.activations.sampling.segment_batching import SegmentBatching
from sparsetime.activations.sources.as_source import as_source
from sparsetime.errors import ConfigError, DataError

NEEDS = frozenset({"segments"})


def numbered(sequences, time, d=3):
    """The first column says the sequence, the second the step."""
    x = torch.zeros(sequences, time, d)
    x[..., 0] = torch.arange(sequences)[:, None]
    x[..., 1] = torch.arange(time)
    return x


def check_consecutive(batch, segments):
    """Within a segment the sequence stays and the step increases by one."""
    for start, stop in zip(segments.offsets, segments.offsets[1:], strict=False):
        rows = batch[start:stop]
        assert (rows[:, 0] == rows[0, 0]).all()
        assert (rows[:, 1].diff() == 1).all()


def test_rows_know_their_stretch_and_place():
    some = st.Segments.of_lengths([2, 0, 3])
    assert (some.count, some.rows) == (3, 5)
    assert some.of_row.tolist() == [0, 0, 2, 2, 2]
    assert some.position.tolist() == [0, 1, 0, 1, 2]
    assert some.earlier().tolist() == [-1, 0, -1, 2, 3]
    assert some.earlier(2).tolist() == [-1, -1, -1, -1, 2]
    assert some.twice().offsets.tolist() == [0, 2, 2, 5, 7, 7, 10]
    assert some.within(4).offsets.tolist() == [0, 2, 2]
    assert some.within(1).offsets.tolist() == [0, 2]


def test_padding_and_back():
    some = st.Segments.of_lengths([2, 0, 3])
    x = torch.arange(10.0).reshape(5, 2)
    padded, real = some.padded(x)
    assert padded.shape == (3, 3, 2)
    assert real.sum(1).tolist() == [2, 0, 3]
    assert (padded[~real] == 0).all()
    assert torch.equal(some.flat(padded), x)


def test_offsets_ascend_from_zero():
    for wrong in ([1, 2], [0, 3, 2]):
        with pytest.raises(DataError, match="ascend from 0"):
            st.Segments(torch.tensor(wrong))


def test_a_batch_and_its_stretches_have_the_same_rows():
    with pytest.raises(DataError, match=r"x has 4, the segments end at 5"):
        st.Batch(torch.zeros(4, 2), segments=st.Segments.of_lengths([2, 3]))


@pytest.mark.parametrize("kind", ["tensor", "fields", "iterator"])
def test_sources_give_consecutive_steps(kind):
    x = numbered(6, 20)
    given = {
        "tensor": x,
        "fields": {"x": x, "labels": x[..., 1].long()},
        "iterator": (part for part in x.split(2)),
    }[kind]
    source = as_source(given)
    epoch = list(batches(source, NEEDS, 16, window=8))
    assert sum(batch.rows for batch in epoch) == 120, "every row once"
    for batch in epoch:
        assert batch.segments.lengths.tolist()[:-1] and max(batch.segments.lengths) <= 8
        check_consecutive(batch.x, batch.segments)
        if batch.labels is not None:
            assert torch.equal(batch.labels, batch.x[:, 1].long())


def test_a_store_gives_stretches_of_its_sequences(tmp_path):
    store = write_store(tmp_path / "store", [12, 20, 3])
    rows = torch.cat([batch.x for batch in batches(store, NEEDS, 10, window=5)])[:, 0]
    assert sorted(rows.tolist()) == list(range(32)), "all but the sequence of three steps"
    for batch in batches(store, NEEDS, 10, window=5):
        inner = batch.segments.position > 0
        assert (batch.x[:, 0].diff()[inner[1:]] == 1).all()


def test_skip_gives_what_would_come_after():
    source = as_source(numbered(6, 20))
    whole = list(batches(source, NEEDS, 16, window=8, seed=3))
    rest = list(batches(source, NEEDS, 16, window=8, seed=3, skip=4))
    assert [b.rows for b in rest] == [b.rows for b in whole[4:]]
    assert all(torch.equal(a.x, b.x) for a, b in zip(rest, whole[4:], strict=True))


@pytest.mark.parametrize("kind", ["tensor", "fields"])
def test_stretches_with_their_earlier_rows(kind):
    x = numbered(4, 30)
    source = as_source(x if kind == "tensor" else {"x": x, "target": x + 1})
    for batch in batches(source, NEEDS | {"earlier"}, 16, lag=2, window=8):
        assert torch.equal(batch.earlier[:, 1], batch.x[:, 1] - 2)
        assert torch.equal(batch.earlier[:, 0], batch.x[:, 0])
        check_consecutive(batch.x, batch.segments)


def test_what_cannot_be_cut_says_why():
    source = as_source(numbered(2, 10))
    with pytest.raises(ConfigError, match="16 rows holds no segment of window=32 steps"):
        batches(source, NEEDS, 16, window=32)
    with pytest.raises(ConfigError, match="draws neighbours at random"):
        batches(source, NEEDS | {"earlier"}, 16, lag=(1, 4), window=8)
    with pytest.raises(DataError, match="windows of 12 steps need sequences of at least"):
        next(batches(source, NEEDS, 16, window=12))
    with pytest.raises(DataError, match="windows need the order of time"):
        next(batches(as_source(torch.zeros(20, 3)), NEEDS, 16, window=8))
    with pytest.raises(DataError, match="order of time"):
        next(batches(as_source({"x": torch.zeros(20, 3)}), NEEDS, 16, window=8))
    assert SegmentBatching.of(20, 8).windows == 2
