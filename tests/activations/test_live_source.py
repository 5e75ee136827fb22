"""A live model as a source: the store's own samplers, no disk, and no thread left behind."""

import gc
import threading
import time

import pytest
import torch
from toy_models import Blocks

import sparsetime as st
from sparsetime.activations.sources.source import Source
from sparsetime.errors import ConfigError, DataError, MismatchError, UnknownNameError


def series(count=6, length=9):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(length + i, 3, generator=generator) for i in range(count)]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    gc.collect()
    assert [t.name for t in threading.enumerate() if "stream" in t.name] == []


@pytest.fixture
def store(tmp_path):
    return st.capture(Blocks(), series(), "lstm", tmp_path / "s", progress=False)


def flat(batches):
    return [
        x if isinstance(x, torch.Tensor) else torch.cat([p.flatten() for p in x]) for x in batches
    ]


@pytest.mark.parametrize(
    ("kind", "options"),
    [("rows", {}), ("pairs", {"lag": 2}), ("windows", {"length": 4})],
)
def test_what_fits_one_buffer_comes_as_from_a_store(kind, options, store):
    source = st.stream(Blocks(), series(), "lstm")
    assert isinstance(source, Source)
    assert (source.d, source.site, source.fingerprint) == (8, "lstm", None)
    assert (source.model_name, source.model_hash) == (store.model_name, store.model_hash)
    for extra in ({}, {"epochs": 2, "skip": 3}):
        streamed = flat(getattr(source, kind)(5, seed=4, **options, **extra))
        stored = flat(getattr(store, kind)(5, seed=4, **options, **extra))
        assert len(streamed) == len(stored) > 2
        for one, other in zip(streamed, stored, strict=True):
            torch.testing.assert_close(one, other)
            assert not one.is_inference()


def test_small_buffers_give_every_row_once_and_bounded_memory(store):
    source = st.stream(Blocks(), series(), "lstm", window=5, buffer_rows=12)
    rows = torch.cat(list(source.rows(7, seed=1)))
    windowed = st.stream(Blocks(), series(), "lstm", window=5)
    every = torch.cat(list(windowed.rows(7)))
    assert rows.shape == every.shape == (len(store), 8)
    torch.testing.assert_close(rows.sort(0).values, every.sort(0).values)
    again = torch.cat(list(source.rows(7, seed=1)))
    assert torch.equal(again, rows)
    assert not torch.equal(torch.cat(list(source.rows(7, seed=2))), rows)


def test_the_buffer_is_bounded():
    made = []

    def endless():
        for i in range(10_000):
            made.append(i)
            yield torch.full((4, 3), float(i))

    batches = st.stream(Blocks(), endless(), "enter", buffer_rows=40).rows(10)
    next(batches)
    time.sleep(0.5)
    assert len(made) <= 3 * 10 + 2  # three buffers, and what the next one begins with
    batches.close()


def test_endless_epochs_differ_and_continue():
    source = st.stream(Blocks(), series(), "enter")
    rows = sum(len(x) for x in series())
    batches = source.rows(rows, epochs=None)
    first, second = next(batches), next(batches)
    batches.close()
    assert not torch.equal(first, second)
    assert torch.equal(first.sort(0).values, second.sort(0).values)


def test_an_iterator_is_used_once():
    source = st.stream(Blocks(), iter(series()), "enter")
    with pytest.raises(ConfigError, match="epochs=2 needs data that can be iterated again, such"):
        source.rows(5, epochs=2)
    assert sum(len(x) for x in source.rows(5)) == sum(len(x) for x in series())
    with pytest.raises(DataError, match="this stream's data is an iterator and has been used up"):
        source.rows(5)


def test_a_consumer_that_stops_leaves_no_thread():
    source = st.stream(Blocks(), series(), "enter", buffer_rows=10)
    for stop in ("close", "drop", "break", "raise", "never"):
        batches = source.rows(4, epochs=None)
        if stop == "never":
            continue
        next(batches)
        if stop == "close":
            batches.close()
        elif stop == "break":
            for _ in batches:
                break
        elif stop == "raise":
            with pytest.raises(RuntimeError, match="mine"):
                for _ in batches:
                    raise RuntimeError("mine")
        del batches
        gc.collect()
        assert not any("stream" in thread.name for thread in threading.enumerate())


def test_errors_of_the_thread_reach_the_consumer():
    def failing():
        yield from series()
        yield torch.zeros(3, 5)

    source = st.stream(Blocks(), failing(), "enter", buffer_rows=20)
    with pytest.raises(MismatchError, match="the document '6' has 5 features, those before it"):
        list(source.rows(4))
    bad = [torch.full((3, 3), torch.nan)]
    source = st.stream(Blocks(), bad, "enter")
    with pytest.raises(DataError, match="the activations of 'enter' are not finite: nan in seq"):
        list(source.rows(4))


def test_early_errors_are_raised_at_once():
    with pytest.raises(UnknownNameError, match="unknown site 'entre': did you mean 'enter'"):
        st.stream(Blocks(), series(), "entre")
    with pytest.raises(DataError, match="the data is empty: it has no documents"):
        st.stream(Blocks(), [], "enter")
    with pytest.raises(MismatchError, match="has 5 features, those before it have 3"):
        st.stream(Blocks(), [*series(), torch.zeros(3, 5)], "enter")
    with pytest.raises(ConfigError, match="buffer_rows=0 must be at least 1"):
        st.stream(Blocks(), series(), "enter", buffer_rows=0)
    source = st.stream(Blocks(), series(), "enter")
    for options, message in [
        ({"batch": 0}, "got batch=0, expected a number of samples of at least 1"),
        ({"batch": 1, "epochs": 0}, "got epochs=0, expected at least 1"),
        ({"batch": 1, "skip": -1}, "got skip=-1, expected a number of batches of at least 0"),
    ]:
        with pytest.raises(ConfigError, match=message):
            source.rows(**options)


def test_sequences_that_are_too_short():
    source = st.stream(Blocks(), series(), "enter")
    with pytest.raises(DataError, match="pairs with lag 40 need sequences of at least 41 steps"):
        list(source.pairs(4, lag=40))


def test_streams_of_one_model_do_not_mix():
    model = Blocks()
    one = st.stream(model, series(), "enter", buffer_rows=10)
    other = st.stream(model, series(), "lstm", buffer_rows=10)
    alone = [torch.cat(list(source.rows(5))) for source in (one, other)]
    both = [[], []]
    for a, b in zip(one.rows(5), other.rows(5), strict=True):
        both[0].append(a)
        both[1].append(b)
    assert torch.equal(torch.cat(both[0]), alone[0])
    assert torch.equal(torch.cat(both[1]), alone[1])


def test_data_that_is_read_once_ends_however_many_epochs_are_wanted():
    source = st.stream(Blocks(), iter(series()), "enter")
    assert sum(map(len, source.rows(5, epochs=None))) == sum(map(len, series()))


def test_training_on_an_iterator(tmp_path):
    def train(rows, out):
        source = st.stream(Blocks(), iter(series()), "enter")
        sae = st.dictionary("topk", d_in=8, width=16, k=2)
        return st.train(sae, source, out=tmp_path / out, rows=rows, batch=8, show=False)

    assert train(40, "a").metrics
    with pytest.raises(DataError, match="the batches ended after step 9 of 100; give more of them"):
        train(800, "b")
