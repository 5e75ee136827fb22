"""Samplers give each sample once an epoch, in an order fixed by the seed, in bounded memory."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_store import values_of, write_store

from sparsetime.activations.sampling import shuffle
from sparsetime.activations.sampling.buffer_bytes import parse_bytes
from sparsetime.activations.sampling.sample_kinds import RowSamples, WindowSamples
from sparsetime.activations.sampling.shuffle import Shuffle
from sparsetime.activations.sources.as_source import as_source
from sparsetime.activations.sources.tensor_source import TensorReader
from sparsetime.activations.store.open_store import open_store
from sparsetime.errors import ConfigError, DataError
from sparsetime.segments import Segments

# Small enough that no test store fits: several pools of several blocks each.
TINY = 1200
FITTING = "1MB"
SOME_LENGTHS = st.lists(st.integers(0, 40), min_size=1, max_size=12).filter(any)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks of four rows, so that small stores have many."""
    monkeypatch.setattr(shuffle, "_LEAST_ROWS", 4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("stores")


def view_of(folder, lengths, part):
    """A store, or one side of a split of it, and the row numbers of its sequences."""
    path = folder / "-".join(map(str, lengths))
    store = open_store(path) if path.exists() else write_store(path, lengths, shard_rows=11)
    if part is not None and len(lengths) > 1:
        store = store.split(0.4, seed=1)[part]
    first = np.cumsum(lengths) - np.array(lengths)
    return store, [range(first[i], first[i] + lengths[i]) for i in store.sequence_indices]


def names(batches):
    """The row numbers in the given batches: values begin with their row's number."""
    return torch.cat([x[..., 0] for x in batches])


@settings(max_examples=25, deadline=None)
@given(
    lengths=SOME_LENGTHS,
    part=st.sampled_from([None, 0, 1]),
    memory=st.sampled_from([TINY, FITTING]),
    batch=st.integers(1, 50),
    seed=st.integers(0, 5),
    epochs=st.integers(1, 3),
)
def test_rows_are_the_views_rows_once_an_epoch(folder, lengths, part, memory, batch, seed, epochs):
    store, sequences = view_of(folder, lengths, part)
    expected = [r for sequence in sequences for r in sequence]
    if not expected:
        with pytest.raises(DataError, match=r"no rows to sample: the activations are empty"):
            store.rows(batch)
        return
    batches = list(store.rows(batch, seed, epochs, memory))
    assert all(x.shape == (batch, 3) for x in batches[:-1])
    rows = names(batches).int().tolist()
    for epoch in range(epochs):
        assert sorted(rows[epoch * len(expected) : (epoch + 1) * len(expected)]) == expected
    assert torch.equal(torch.cat(batches), values_of(sum(lengths))[rows])


@settings(max_examples=25, deadline=None)
@given(
    lengths=SOME_LENGTHS,
    part=st.sampled_from([None, 0, 1]),
    memory=st.sampled_from([TINY, FITTING]),
    batch=st.integers(1, 50),
    lag=st.integers(1, 9),
)
def test_pairs_never_cross_sequences(folder, lengths, part, memory, batch, lag):
    store, sequences = view_of(folder, lengths, part)
    expected = Counter((r, r + lag) for rows in sequences for r in rows if r + lag in rows)
    if not expected:
        with pytest.raises(DataError):
            store.pairs(batch, lag)
        return
    batches = list(store.pairs(batch, lag, memory=memory))
    assert Counter(map(tuple, names(batches).int().tolist())) == expected
    assert torch.equal(torch.cat(batches), values_of(sum(lengths))[names(batches).long()])


@settings(max_examples=25, deadline=None)
@given(
    lengths=SOME_LENGTHS,
    part=st.sampled_from([None, 0, 1]),
    memory=st.sampled_from([TINY, FITTING]),
    lag=st.tuples(st.integers(1, 4), st.integers(4, 12)),
)
def test_a_random_lag_gives_every_row_once_with_an_earlier_one(folder, lengths, part, memory, lag):
    store, sequences = view_of(folder, lengths, part)
    expected = [r for rows in sequences for r in rows[lag[0] :]]
    if not expected:
        with pytest.raises(DataError, match=f"pairs with lag {lag[0]} to {lag[1]} need|empty"):
            store.pairs(5, lag)
        return
    pairs = names(store.pairs(5, lag, epochs=2, memory=memory)).int().tolist()
    for epoch in (pairs[: len(expected)], pairs[len(expected) :]):
        assert sorted(later for _, later in epoch) == expected
    assert all(lag[0] <= later - earlier <= lag[1] for earlier, later in pairs)
    assert all(any(a in rows and b in rows for rows in sequences) for a, b in pairs)


def test_all_earlier_rows_are_as_likely_partners():
    """Of row 3 there are 3 earlier ones; of row 90, with a lag of at most 10, there are 10."""
    x = torch.arange(100.0)[:, None].expand(100, 1)[None]
    pairs = torch.cat(list(as_source(x).pairs(99, lag=(1, 10), epochs=3000)))[..., 0]
    for row, partners in ((3, 3), (90, 10)):
        earlier = pairs[pairs[:, 1] == row][:, 0]
        counts = torch.bincount(earlier.long(), minlength=row)[row - partners : row]
        assert counts.sum() == 3000
        assert (counts / 3000 - 1 / partners).abs().max() < 0.04


@settings(max_examples=25, deadline=None)
@given(
    lengths=SOME_LENGTHS,
    part=st.sampled_from([None, 0, 1]),
    memory=st.sampled_from([TINY, FITTING]),
    batch=st.integers(1, 9),
    length=st.integers(1, 15),
)
def test_windows_cover_long_sequences_and_mask_the_rest(
    folder, lengths, part, memory, batch, length
):
    store, sequences = view_of(folder, lengths, part)
    long = [rows for rows in sequences if len(rows) >= length]
    expected = Counter(tuple(s[i : i + length]) for s in long for i in range(0, len(s), length))
    if not expected:
        with pytest.raises(DataError):
            store.windows(batch, length)
        return
    seen = Counter()
    for x, mask in store.windows(batch, length, memory=memory):
        assert x.shape == (*mask.shape, 3)
        assert mask.shape[1] == length
        assert not x[~mask].any()
        for window, real in zip(x, mask, strict=True):
            assert real.tolist() == sorted(real.tolist(), reverse=True)
            rows = window[real][:, 0].long()
            assert torch.equal(window[real], values_of(sum(lengths))[rows])
            seen[tuple(rows.tolist())] += 1
    assert seen == expected


DRAWS = {
    "rows": lambda store, **kw: store.rows(7, **kw),
    "pairs": lambda store, **kw: store.pairs(7, 2, **kw),
    "pairs with a random lag": lambda store, **kw: store.pairs(7, (1, 20), **kw),
    "windows": lambda store, **kw: (x for x, _ in store.windows(7, 5, **kw)),
}


@pytest.mark.parametrize("memory", [TINY, FITTING])
@pytest.mark.parametrize("draw", DRAWS)
def test_the_seed_alone_decides_the_order(folder, draw, memory):
    store, _ = view_of(folder, [50, 30, 47], None)
    given = [
        torch.cat(list(DRAWS[draw](store, seed=seed, epochs=2, memory=memory)))
        for seed in (4, 4, 5)
    ]
    assert torch.equal(given[0], given[1])
    assert not torch.equal(given[0], given[2])
    half = len(given[0]) // 2
    assert not torch.equal(given[0][:half], given[0][half:])


@pytest.mark.parametrize("memory", [TINY, FITTING])
@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("skip", [0, 1, 3, 18, 40, 400])
def test_skip_gives_what_comes_after(folder, draw, memory, skip):
    store, _ = view_of(folder, [50, 30, 47], None)
    whole = list(DRAWS[draw](store, epochs=3, memory=memory))[skip:]
    rest = list(DRAWS[draw](store, epochs=3, memory=memory, skip=skip))
    assert len(rest) == len(whole)
    assert all(map(torch.equal, rest, whole))


def test_skip_does_not_read_what_it_passes(folder, monkeypatch):
    store, _ = view_of(folder, [400], None)
    read = []
    pieces = type(store.reader).pieces
    monkeypatch.setattr(
        type(store.reader), "pieces", lambda self, rows: read.extend(rows) or pieces(self, rows)
    )
    next(store.rows(10, memory=TINY, skip=35))
    assert 0 < len(read) < 60


def test_endless_batches_are_always_full(folder):
    store, _ = view_of(folder, [5, 6], None)
    batches = store.rows(8, epochs=None)
    rows = torch.cat([next(batches) for _ in range(11)])[:, 0].int().tolist()
    assert len(rows) == 88
    for epoch in range(8):
        assert sorted(rows[epoch * 11 : epoch * 11 + 11]) == list(range(11))
    far = store.rows(8, epochs=None, skip=11)
    assert torch.equal(next(far), next(batches))


def test_all_orders_are_equally_likely_where_all_fits(folder):
    store, _ = view_of(folder, [3], None)
    orders = Counter(
        tuple(torch.cat(list(store.rows(3, seed)))[:, 0].int().tolist()) for seed in range(1200)
    )
    assert len(orders) == 6
    chi_squared = sum((count - 200) ** 2 / 200 for count in orders.values())
    assert chi_squared < 20.5  # 5 degrees of freedom, p = 0.001


def test_memory_bounds_the_buffers():
    class Reader(TensorReader):
        in_memory = False

    segments = Segments.of_lengths([20_000])
    reader = Reader(torch.zeros(20_000, 64))
    shuffle = Shuffle(RowSamples(), reader, segments, memory="1MB")
    pools = list(shuffle.pools(0))
    assert sum(pool.size for pool in pools) == 20_000
    held = [sum(t.nbytes for t in pool.load()) for pool in pools]
    assert max(held) <= 1_000_000
    assert np.mean(held) > 600_000
    assert len(list(Shuffle(RowSamples(), reader, segments, memory="10MB").pools(0))) == 1


def test_a_block_shuffle_mixes_far_places(folder):
    store, _ = view_of(folder, [600], None)
    first = next(store.rows(15, memory=TINY))[:, 0]
    assert first.max() - first.min() > 300


def test_windows_longer_than_memory_still_come():
    class Reader(TensorReader):
        in_memory = False

    segments = Segments.of_lengths([64])
    shuffle = Shuffle(WindowSamples(32), Reader(torch.ones(64, 8)), segments, memory=10)
    assert [tuple(x.shape) for x, _ in shuffle.batches(1)] == [(1, 32, 8)] * 2


def test_too_short_sequences_say_the_longest(folder):
    store, _ = view_of(folder, [3, 4], None)
    with pytest.raises(
        DataError,
        match=r"no pairs: pairs with lag 4 need sequences of at least 5 steps, the longest has 4. "
        "Use a smaller lag or capture longer sequences",
    ):
        store.pairs(2, lag=4)
    with pytest.raises(
        DataError, match=r"windows of 9 steps need sequences of at least that length, the longest h"
    ):
        store.windows(2, length=9)


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (lambda s: s.rows(0), "got batch=0, expected a number of samples of at least 1"),
        (lambda s: s.rows(1, seed=-1), "got seed=-1, expected a number of at least 0"),
        (lambda s: s.rows(1, epochs=0), "got epochs=0, expected at least 1, or None for endless"),
        (lambda s: s.rows(1, skip=-1), "got skip=-1, expected a number of batches of at least 0"),
        (
            lambda s: s.rows(1, memory="much"),
            "got memory='much', expected a size such as '512MB' or '2GB'",
        ),
        (lambda s: s.pairs(1, lag=0), "got lag=0, expected a number of steps of at least 1"),
        (lambda s: s.pairs(1, lag=(3, 2)), r"got lag=\(3, 2\), expected .* the least at least 1"),
        (lambda s: s.windows(1, 0), "got length=0, expected a number of steps of at least 1"),
    ],
)
def test_settings_out_of_range_say_so_at_once(folder, ask, text):
    store, _ = view_of(folder, [3, 4], None)
    with pytest.raises(ConfigError, match=text):
        ask(store)


def test_sizes_of_memory():
    sizes = [parse_bytes(m) for m in ("512MB", "2 GB", "1.5k", 7, "10", "3TB")]
    assert sizes == [512 * 10**6, 2 * 10**9, 1500, 7, 10, 3 * 10**12]
