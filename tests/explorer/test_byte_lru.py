"""What is asked for again is kept, within its room, and made once however many ask."""

from __future__ import annotations

import threading
import time

import pytest

from sparsetime.explorer.workbench.byte_lru import ByteLRU


def test_the_least_recent_leaves_when_the_room_is_full():
    made = []

    def make(n: int) -> bytes:
        made.append(n)
        return bytes(n)

    kept = ByteLRU(make, len, room=10)
    for n in (4, 5, 4, 3):  # 4 was asked for after 5, so 5 leaves when 3 comes
        kept(n)
    assert made == [4, 5, 3] and kept.weight == 7
    kept(4)
    assert made == [4, 5, 3]
    kept(5)
    assert made == [4, 5, 3, 5] and kept.weight == 9
    kept(11)
    kept(11)
    assert made[-2:] == [11, 11] and kept.weight == 9


def test_many_threads_make_one_result_once():
    made = []

    def slow(n: int) -> int:
        made.append(n)
        time.sleep(0.05)
        return n

    kept = ByteLRU(slow, lambda _: 1, room=10)
    threads = [threading.Thread(target=kept, args=(1,)) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert made == [1]


def test_what_fails_is_tried_again():
    tries = []

    def fails(n: int) -> int:
        tries.append(n)
        raise ValueError("no")

    kept = ByteLRU(fails, lambda _: 1, room=10)
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            kept(1)
    assert tries == [1, 1]
