"""The nearest directions, both ways, from one product."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparsetime.features import nearest_atoms as room
from sparsetime.features.nearest_atoms import (
    nearest,
    nearest_by_floats,
    nearest_by_integers,
)

WAYS = [nearest_by_floats, nearest_by_integers]


def directions(count, d=24, seed=0, spike=False):
    generator = torch.Generator().manual_seed(seed)
    found = torch.randn(count, d, generator=generator)
    if spike:  # the coarsest steps that integers can have
        found[0] = 0
        found[0, 0] = 1
    return torch.nn.functional.normalize(found, dim=1)


def agree(found, left, right):
    cosine = (left.double() @ right.double().T).numpy()
    assert np.allclose(found.cosine, cosine.max(1), atol=1e-6)
    assert np.allclose(found.back, cosine.max(0), atol=1e-6)
    # The place named has the largest cosine, whichever of those that float32 cannot tell apart.
    assert np.allclose(cosine[np.arange(len(left)), found.to_right], cosine.max(1), atol=1e-6)
    assert np.allclose(cosine[found.to_left, np.arange(len(right))], cosine.max(0), atol=1e-6)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("left", "right"), [(2100, 30), (30, 2100), (700, 500), (1, 1)])
def test_each_finds_the_largest_cosine(way, left, right, monkeypatch):
    monkeypatch.setattr(room, "_ELEMENTS", 1 << 14)  # many tiles, the last one not full
    a, b = directions(left), directions(right, seed=1, spike=True)
    agree(way(a, b), a, b)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.floats(0, 0.02))
def test_what_integers_cannot_tell_apart_is_decided_exactly(seed, apart):
    """Crowds of directions that are nearly the same: all are in doubt."""
    crowd = directions(1, seed=seed).repeat(40, 1) + apart * directions(40, seed=seed + 1)
    crowd = torch.nn.functional.normalize(crowd, dim=1)
    agree(nearest_by_integers(crowd, crowd.flip(0)), crowd, crowd.flip(0))


@pytest.mark.parametrize("way", WAYS)
def test_of_equal_ones_the_first_is_named(way):
    same = directions(1).repeat(9, 1)
    found = way(same, same)
    assert not found.to_right.any() and not found.to_left.any()


def test_a_side_without_any_is_far_from_all():
    found = nearest(directions(3), directions(0))
    assert found.cosine.tolist() == [-1, -1, -1] and len(found.back) == 0
