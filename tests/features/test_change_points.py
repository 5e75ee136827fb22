"""Change points of planted states, without noise and with it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sparsetime.codes import SparseCode
from sparsetime.features.change_points import boundaries


def found(rows, **settings):
    rows = np.asarray(rows, dtype=float)
    code = SparseCode.from_dense(torch.from_numpy(rows))
    return boundaries(code, np.ones(rows.shape[1]), **settings).tolist()


A, B = np.repeat([[1.0, 0, 0], [0, 1, 0]], 4, axis=1)


@pytest.mark.parametrize("length", [1, 2, 3, 5, 10, 15, 23, 24, 25, 48, 50, 100, 150, 200])
@pytest.mark.parametrize("around", [10, 80])
def test_a_state_within_another_is_found_to_the_step(length, around):
    rows = np.repeat([A, B, A], [around, length, around], axis=0)
    assert found(rows) == [around, around + length]


def test_the_states_of_the_report():
    """A state of 15 steps at 80 to 95, and one of 5: a window of 24 steps gave 71 and 96."""
    assert found(np.repeat([A, B, A], [80, 15, 80], axis=0)) == [80, 95]
    assert found(np.repeat([A, B, A], [80, 5, 80], axis=0)) == [80, 85]


@pytest.mark.parametrize("longest", [3, 8, 40, 200])
def test_many_states_are_found_to_the_step(longest):
    """Of features that are shared between states, with values, single features and silence."""
    rng = np.random.default_rng(longest)
    lengths = np.append(rng.integers(2, longest + 1, 60), 1)
    states = (rng.random((61, 30)) < 0.3) * (0.5 + rng.random((61, 30)))
    states[::9] = 0
    rows = np.repeat(states, lengths, axis=0)
    changed = np.flatnonzero((rows[1:] != rows[:-1]).any(axis=1)) + 1
    assert found(rows) == changed.tolist()


def test_one_feature_a_state():
    rows = np.repeat(np.eye(4)[[0, 1, 2, 1, 3, 0]], [9, 4, 30, 2, 15, 8], axis=0)
    assert found(rows) == [9, 13, 43, 45, 60]


def test_a_state_longer_than_what_is_compared_at_once_is_one():
    assert found(np.repeat([A, B], [5000, 4600], axis=0)) == [5000]


def test_no_change_and_too_few_steps():
    assert found(np.repeat([A], 50, axis=0)) == []
    assert found([A]) == found(np.zeros((0, 12))) == []
    assert found(np.zeros((40, 3))) == []
    assert found(np.repeat([A, B], 3, axis=0), window=4) == []


def noise(rng, steps, width=400, density=0.03):
    return (rng.random((steps, width)) < density) * (0.5 + rng.random((steps, width)))


def test_noise_alone_has_no_change_points():
    """Features that fire independently at each step: few or many, rare or frequent."""
    rng = np.random.default_rng(0)
    alarms = [
        len(found(noise(rng, steps, width, density)))
        for steps in (100, 500)
        for width, density in ((12, 0.6), (100, 0.1), (400, 0.03))
        for _ in range(5)
    ]
    assert sum(alarms) <= 1


def test_states_in_noise_are_hit_to_the_step():
    """Of 12 to 200 steps, each with eight features of its own that fire on four steps of five."""
    rng = np.random.default_rng(1)
    for length in (12, 25, 100, 200):
        offsets = []
        for _ in range(5):
            rows = noise(rng, 160 + length)
            own = rng.permutation(400)[:16]
            for latents, steps in (
                (own[:8], [*range(80), *range(80 + length, 160 + length)]),
                (own[8:], range(80, 80 + length)),
            ):
                for step in steps:
                    rows[step, latents[rng.random(8) < 0.8]] = 1.0
            points = np.array(found(rows))
            assert len(points) == 2
            offsets += np.abs(points - [80, 80 + length]).tolist()
        assert np.mean(offsets) <= 0.5


def test_the_partition_is_the_cheapest_of_all():
    """Against all partitions of a few steps."""
    from itertools import combinations, pairwise

    from sparsetime.features import change_point_loops as loops

    rng = np.random.default_rng(2)
    for trial in range(30):
        rows = np.round(np.maximum(rng.normal(size=(9, 3)), 0), 2)
        row, feature = rows.nonzero()
        offsets = np.concatenate([[0], np.cumsum((rows != 0).sum(1))])
        penalty, shortest = float(rng.uniform(0.1, 2)), int(rng.integers(1, 4))
        costs = {}
        for count in range(9):
            for cuts in combinations(range(1, 9), count):
                edges = [0, *cuts, 9]
                parts = [rows[a:b] for a, b in pairwise(edges)]
                if min(map(len, parts)) >= shortest:
                    spread = sum(((p - p.mean(0)) ** 2).sum() for p in parts)
                    costs[cuts] = spread + penalty * count
        got = loops.partition(offsets, feature, rows[row, feature], 3, penalty, shortest, 4096)
        assert costs[tuple(got.tolist())] == pytest.approx(min(costs.values())), trial
