"""Slow results of a page: begun once it is drawn, and computed once."""

from __future__ import annotations

import threading
import time

from sparsetime.explorer import change_steps
from sparsetime.explorer.change_steps import BackgroundResults


def test_a_slow_result_is_begun_later_and_once(monkeypatch):
    monkeypatch.setattr(change_steps, "_LATER", 0.1)
    asked, may_end = [], threading.Event()

    def slow(key, sequence):
        asked.append((key, sequence, time.monotonic()))
        may_end.wait(5)
        return [3, 7]

    results = BackgroundResults(slow)
    began = time.monotonic()
    assert results.now("topk", 0) is None
    while not asked and time.monotonic() - began < 5:
        assert results.now("topk", 0) is None
        time.sleep(0.01)
    assert asked[0][2] - began >= 0.1
    may_end.set()
    while results.now("topk", 0) is None and time.monotonic() - began < 5:
        time.sleep(0.01)
    assert results.now("topk", 0) == [3, 7]
    assert len(asked) == 1
