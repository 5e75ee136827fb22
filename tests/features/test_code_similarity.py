"""Nearest features by the cosine of their activation values."""

from __future__ import annotations

import numpy as np
import pytest
from known_codes import code_of

from sparsetime.features.code_similarity import nearest_by_code


def test_the_cosine_of_activation_values_decides():
    left = code_of([[1, 0, 0], [1, 2, 0], [0, 2, 0], [0, 0, 0]])
    right = code_of([[0, 3], [4, 3], [4, 0], [0, 0]])
    found = nearest_by_code(left, right, np.arange(3), np.arange(2))
    assert found.to_right.tolist() == [1, 0, 0] and found.to_left.tolist() == [1, 0]
    assert found.cosine.tolist() == pytest.approx([1, 1, 0])
    assert found.back.tolist() == pytest.approx([1, 1])
    some = nearest_by_code(left, right, np.array([0]), np.array([0]))
    assert some.cosine.tolist() == pytest.approx([0.5]) and some.to_right.tolist() == [0]
    none = nearest_by_code(left, right, np.array([0]), np.zeros(0, int))
    assert none.cosine.tolist() == [0] and len(none.back) == 0
