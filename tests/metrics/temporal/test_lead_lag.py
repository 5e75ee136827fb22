"""Which feature announces which."""

from __future__ import annotations

import numpy as np
import pytest
from chains import as_code
from known_codes import code_of, column

from sparsetime.errors import DataError
from sparsetime.metrics.temporal.lead_lag import lead_lag


def test_counts_and_lags_by_hand():
    rows = np.zeros((40, 3))
    rows[[5, 20, 30], 0] = 1
    rows[[8, 9, 22], 1] = 1  # begins at 8 (3 later) and 22 (2 later); 9 is no beginning
    rows[0, 2] = 1  # begins at the first step, which nothing can announce
    found = lead_lag(code_of(rows.tolist()), within=4)
    at = np.flatnonzero((found.leader == 0) & (found.follower == 1))
    assert found.count[at] == [2]
    assert found.announced[at] == [1]
    assert found.lag[at] == [2.5]
    assert 2 not in found.leader


def test_of_several_beginnings_the_latest_counts_once():
    found = lead_lag(code_of([[0, 0], [1, 0], [0, 0], [1, 0], [0, 1], [0, 0]]), within=4)
    assert (found.count[0], found.lag[0]) == (1, 1)


def test_nothing_is_announced_across_sequences():
    rows = [[0, 0], [0, 0], [1, 0], [0, 0], [0, 1], [0, 0]]
    assert 1 in lead_lag(code_of(rows), within=2).follower
    assert 1 not in lead_lag(code_of(rows), [3, 3], within=2).follower


def test_a_planted_leader_stands_out_and_the_way_back_does_not():
    rng = np.random.default_rng(0)
    first = rng.random((30, 600)) < 0.02
    then = np.zeros_like(first)
    then[:, 5:] = first[:, :-5] & (rng.random((30, 595)) < 0.8)
    others = rng.random((6, 30, 600)) < 0.05
    found = lead_lag(as_code(first, then, *others), within=8)
    assert (found.leader[0], found.follower[0]) == (0, 1)
    assert found.lag[0] == pytest.approx(5, abs=0.2)
    assert found.announced[0] > 0.9
    assert found.lift[0] > 4
    back = (found.leader == 1) & (found.follower == 0)
    assert (found.count[back] <= 1.3 * found.expected[back]).all()


def test_features_that_do_not_know_of_each_other():
    rng = np.random.default_rng(1)
    found = lead_lag(as_code(*(rng.random((30, 20, 400)) < 0.05)))
    assert found.share.value == pytest.approx(0.05, abs=0.03)
    assert found.expected == pytest.approx(found.count, rel=0.35)
    assert found.share.null == 0.05


def test_a_share_of_no_pairs_is_unknown():
    found = lead_lag(column([0, 1, 0, 1]), within=1)
    assert np.isnan(found.share.value) and found.share.interval is None
    assert len(found.leader) == 0


def test_lags_without_pairs_are_refused():
    with pytest.raises(DataError, match="within of 16 steps leaves no pairs: the longest sequence"):
        lead_lag(column([1, 0, 1]))
    with pytest.raises(DataError, match="no feature begins after the first step of a sequence"):
        lead_lag(column([1, 1, 0]), within=1)
