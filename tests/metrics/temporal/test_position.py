"""Position features."""

from __future__ import annotations

import numpy as np
import pytest
from chains import as_code, two_state
from known_codes import code_of

from sparsetime.errors import DataError
from sparsetime.metrics.temporal.position import position


def test_a_feature_of_the_first_step_is_explained_whole():
    rng = np.random.default_rng(0)
    first = np.zeros((20, 50))
    first[:, 0] = 1
    found = position(as_code(first, two_state(rng, 0.9, 0.9, 20, 50)))
    assert found.by_feature[0] == pytest.approx(1)
    assert found.by_feature[0] > found.null_by_feature[0]
    assert found.by_feature[1] < found.null_by_feature[1] + 0.02
    # The variance of the first is 0.02 * 0.98, of the second a quarter.
    assert found.explained.value == pytest.approx(0.0196 / (0.0196 + 0.25), abs=0.03)


def test_half_of_the_variance():
    # 1 on the first three steps, and noise of the same variance that knows no position.
    rng = np.random.default_rng(1)
    depends = np.broadcast_to(np.arange(63) < 31, (400, 63)).astype(float)
    noise = rng.choice([0.0, 1.0], size=depends.shape)
    found = position(as_code(depends + noise))
    low, high = found.explained.interval
    assert low < 0.5 < high
    assert found.explained.beyond_null
    assert found.share == 1


def test_a_feature_of_the_sequence_is_no_position_feature():
    whose = np.repeat(np.eye(8), 5, axis=0)[:, :, None] * np.ones(40)
    found = position(as_code(*whose.transpose(1, 0, 2)))
    assert found.explained.value == pytest.approx(0, abs=0.01)
    assert found.share == 0


def test_noise_is_beyond_its_rotations_one_time_in_twenty():
    rng = np.random.default_rng(2)
    found = position(as_code(*(rng.random((300, 12, 40)) < 0.3)))
    assert 0.02 < found.share < 0.09
    assert not found.explained.beyond_null


def test_positions_that_cannot_be_measured_are_refused():
    with pytest.raises(DataError, match="one sequence, in which position cannot be separated"):
        position(code_of([[1], [0]]))
    with pytest.raises(DataError, match="no sequence has two steps, so every step has the same"):
        position(code_of([[1], [0]]), [1, 1])
    with pytest.raises(DataError, match="no feature varies over these steps"):
        position(code_of([[1]] * 4), [2, 2])
