"""Atoms of several seeds."""

from __future__ import annotations

import pytest
import torch

from sparsetime.errors import DataError, MismatchError
from sparsetime.metrics.seed_stability import seed_stability
from sparsetime.statistics.nulls import random_atoms


def test_the_same_atoms_in_another_order():
    atoms = random_atoms(12, 20, 0)
    found = seed_stability([atoms, 3 * atoms.flip(0), atoms.roll(5, 0)])
    assert found.cosine.value == pytest.approx(1)
    assert found.shared.value == 1
    assert found.by_atom.shape == (3, 12)
    assert found.by_atom == pytest.approx(1)


def test_a_third_is_shared():
    a, b = torch.eye(12)[:6], torch.eye(12)[6:].clone()
    b[:2] = a[:2]
    found = seed_stability([a, b])
    assert found.shared.value == found.cosine.value == pytest.approx(1 / 3)
    assert sorted(found.by_atom[0].tolist()) == [0, 0, 0, 0, 1, 1]
    assert found.by_atom[1].tolist() == [1, 1, 0, 0, 0, 0]
    low, high = found.shared.interval
    assert 0 <= low < 1 / 3 < high < 1


def test_random_atoms_are_at_the_null():
    found = seed_stability([random_atoms(512, 8, n) for n in (5, 6)])
    assert found.cosine.value == pytest.approx(found.cosine.null, abs=0.03)
    assert found.cosine.null > 0.5  # in eight dimensions much is near by chance


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(DataError, match="got 1 dictionary, expected at least two seeds to compare"):
        seed_stability([torch.eye(3)])
    with pytest.raises(MismatchError, match=r"have 2 sizes, \[\(2, 3\), \(3, 3\)\] \(width, d\)"):
        seed_stability([torch.eye(3), torch.eye(3)[:2]])
