"""Tensors and iterators of batches serve as sources, with the store's samplers."""

import numpy as np
import pytest
import torch
from small_store import write_store

from sparsetime.activations.sources.as_source import as_source
from sparsetime.activations.sources.source import Source
from sparsetime.errors import ConfigError, DataError


def grid(sequences=3, time=5, d=2):
    """Entry 0 of each step is its running number."""
    x = torch.zeros(sequences, time, d)
    x[..., 0] = torch.arange(sequences * time).reshape(sequences, time)
    return x


def test_a_store_or_a_split_is_a_source_as_it_is(tmp_path):
    store = write_store(tmp_path / "s", [3, 4])
    assert as_source(store) is store
    part = store.split(0.5)[0]
    assert as_source(part) is part


@pytest.mark.parametrize("given", [grid().reshape(-1, 2), grid().reshape(-1, 2).numpy(), grid()])
def test_a_tensor_gives_its_rows(given):
    source = as_source(given)
    assert isinstance(source, Source)
    assert (source.d, len(source), source.model_hash) == (2, 15, None)
    batches = list(source.rows(4, seed=1, epochs=2))
    assert [len(x) for x in batches] == [4] * 7 + [2]
    rows = torch.cat(batches)[:, 0]
    assert torch.equal(rows[:15].sort().values, torch.arange(15.0))
    assert not torch.equal(rows[:15], rows[15:])
    assert torch.equal(
        torch.cat(list(source.rows(4, seed=1, epochs=2, skip=3))), rows_after(source)
    )


def rows_after(source):
    return torch.cat(list(source.rows(4, seed=1, epochs=2))[3:])


def test_a_tensor_of_sequences_gives_pairs_and_windows():
    source = as_source(grid())
    pairs = torch.cat(list(source.pairs(4, lag=3)))[..., 0]
    expected = [[0, 3], [1, 4], [5, 8], [6, 9], [10, 13], [11, 14]]
    assert sorted(pairs.int().tolist()) == expected
    seen = sorted(
        window[real][:, 0].int().tolist()
        for x, mask in source.windows(2, length=3)
        for window, real in zip(x, mask, strict=True)
    )
    assert seen == [[0, 1, 2], [3, 4], [5, 6, 7], [8, 9], [10, 11, 12], [13, 14]]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_every_dtype_comes_as_float32(dtype):
    assert next(as_source(grid().to(dtype)).rows(2)).dtype == torch.float32


def test_an_iterator_gives_its_rows_as_they_come():
    source = as_source(iter(grid()))
    assert source.d == 2
    batches = list(source.rows(4, epochs=None, skip=1))
    assert [x[:, 0].int().tolist() for x in batches] == [[4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14]]
    with pytest.raises(DataError, match=r"this iterator of batches was already read"):
        source.rows(4)


def test_an_iterator_of_sequences_gives_pairs_and_windows():
    batches = [grid()[:2], grid()[2:]]
    pairs = torch.cat(list(as_source(batches).pairs(3, lag=4)))[..., 0]
    assert pairs.int().tolist() == [[0, 4], [5, 9], [10, 14]]
    x, mask = next(as_source(batches).windows(2, length=4))
    assert x[..., 0].int().tolist() == [[0, 1, 2, 3], [4, 0, 0, 0]]
    assert mask.tolist() == [[True] * 4, [True, False, False, False]]


def test_time_cannot_be_made_up():
    flat = grid().reshape(-1, 2)
    with pytest.raises(
        DataError, match=r"pairs need the order of time, and a tensor of shape \[15, 2\] has none"
    ):
        as_source(flat).pairs(4)
    with pytest.raises(DataError, match=r"windows need the order of time, and an iterator of batc"):
        as_source(iter([flat])).windows(4, length=2)
    with pytest.raises(DataError, match=r"pairs with lag 5 need .* at least 6 steps, the longest"):
        as_source(grid()).pairs(4, lag=5)


def test_an_iterator_cannot_be_read_twice():
    with pytest.raises(ConfigError, match=r"got epochs=2, expected 1 .* read once only; capture a"):
        as_source(iter(grid())).rows(4, epochs=2)
    with pytest.raises(
        ConfigError, match=r"got batch=0 and skip=0, expected a batch of at least 1"
    ):
        as_source(iter(grid())).rows(0)


@pytest.mark.parametrize(
    ("value", "kind"), [(float("nan"), "NaN"), (float("-inf"), "an infinite value")]
)
def test_values_that_are_not_finite_are_named(value, kind):
    x = grid()
    x[1, 2, 1] = value
    with pytest.raises(
        DataError, match=rf"the tensor holds {kind} at sequence 1, position 2 \(dimension 1\)"
    ):
        as_source(x)
    with pytest.raises(DataError, match=rf"the tensor holds {kind} at row 7 \(dimension 1\)"):
        as_source(x.reshape(-1, 2))
    with pytest.raises(DataError, match=rf"the batch 1 holds {kind} at row 2 \(dimension 1\)"):
        list(as_source(iter(x)).rows(4))


def test_large_finite_values_are_finite():
    assert len(list(as_source(torch.full((4, 2), 3e38)).rows(2))) == 2


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        (torch.zeros(0, 4), DataError, r"the tensor is empty: its shape is \[0, 4\]"),
        (torch.zeros(4), DataError, r"the tensor is float32 \[4\]"),
        (torch.zeros(4, 2, dtype=torch.int64), DataError, r"the tensor is int64 \[4, 2\]"),
        (np.zeros((0, 2)), DataError, "the tensor is empty"),
        (iter([]), DataError, "the iterator of batches is empty: it gave no batch"),
        (
            "runs/x",
            ConfigError,
            r"got str as activations, .*. Open a stored one with sparsetime.open_store",
        ),
        (7, ConfigError, "got int as activations, expected a store, a tensor"),
    ],
)
def test_what_is_no_source_says_so(given, error, text):
    with pytest.raises(error, match=text):
        as_source(given)


def test_batches_must_be_alike():
    with pytest.raises(DataError, match=r"batch 1 of the iterator has shape \[2, 3\], the first h"):
        list(as_source(iter([torch.zeros(2, 2), torch.zeros(2, 3)])).rows(4))


def test_equal_activations_have_one_fingerprint(tmp_path):
    store = write_store(tmp_path / "s", [3, 4, 5])
    again = write_store(tmp_path / "t", [3, 4, 5])
    other = write_store(tmp_path / "u", [4, 3, 5])
    assert store.fingerprint == again.fingerprint != other.fingerprint
    train, held_out = store.split(0.4, seed=1)
    views = {one.fingerprint for one in (store, train, held_out, store.split(0.4, seed=1)[0])}
    assert len(views) == 3
    assert as_source(grid()).fingerprint == as_source(grid().clone()).fingerprint
    shapes = [grid(), grid().reshape(-1, 2), grid().half(), grid().bfloat16(), grid() + 1]
    assert len({as_source(x).fingerprint for x in shapes}) == len(shapes)
    assert as_source(iter(grid())).fingerprint is None
