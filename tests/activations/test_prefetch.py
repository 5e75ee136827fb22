"""Batches prepared in the background."""

import itertools
import threading

import pytest

from sparsetime.activations.sampling.prefetch import prefetched


def threads():
    return [t for t in threading.enumerate() if t.name == "sparsetime-prefetch"]


def test_items_come_in_order():
    with prefetched(iter(range(100))) as items:
        assert list(items) == list(range(100))
    assert not threads()


def test_leaving_early_stops_the_thread():
    with prefetched(itertools.count()) as items:
        assert next(items) == 0
    assert not threads()


def test_it_runs_only_so_far_ahead():
    made = []

    def count():
        for number in itertools.count():
            made.append(number)
            yield number

    with prefetched(count(), depth=2) as items:
        next(items)
        threading.Event().wait(0.3)
    assert len(made) <= 4


def test_errors_come_where_the_item_would_have():
    def broken():
        yield 1
        raise ValueError("the third shard is damaged")

    with prefetched(broken()) as items:
        assert next(items) == 1
        with pytest.raises(ValueError, match="the third shard is damaged"):
            next(items)
    assert not threads()


def test_a_generator_is_closed_when_its_consumer_leaves():
    closed = []

    def count():
        try:
            yield from itertools.count()
        finally:
            closed.append(threading.current_thread().name)

    with prefetched(count(), name="counting") as items:
        next(items)
    assert closed == ["counting"]
