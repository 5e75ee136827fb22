"""Recovery: planted atoms found again, one to one."""

import math

import pytest
import torch

from sparsetime.errors import DataError, MismatchError
from sparsetime.testbeds.atom_recovery import recovery


def test_a_shuffled_and_rescaled_dictionary_is_recovered_whole():
    true = torch.randn(20, 16, generator=torch.Generator().manual_seed(0))
    order = torch.randperm(20, generator=torch.Generator().manual_seed(1))
    found = recovery(3 * true[order], true)
    assert torch.equal(order[found.matched], torch.arange(20))
    assert found.share_recovered == 1
    assert found.mean_max_cosine == pytest.approx(1)


def test_one_learnt_atom_counts_for_one_true_atom_only():
    true = torch.eye(3)
    found = recovery(torch.tensor([[1.0, 0.9, 0.0], [0.0, 0.0, 1.0]]), true)
    assert found.matched.tolist() == [0, -1, 1]
    assert found.cosine[1] == 0
    assert found.largest[1] == pytest.approx(0.9 / (1 + 0.81) ** 0.5)
    assert found.share_recovered == pytest.approx(1 / 3)  # 1 / 1.345 = 0.74 is below 0.9


def test_the_assignment_is_the_best_one_and_not_the_greedy_one():
    true = torch.tensor([[1.0, 0.0], [0.8, 0.6]])
    learnt = torch.tensor([[0.95, 0.3122499], [0.6, -0.8]])
    # Greedy gives the first learnt atom to the nearest true one (the second here) or the first;
    # by hand: identity sums 0.95 + 0.0, the exchange 0.6 + 0.947.
    assert recovery(learnt, true).matched.tolist() == [1, 0]


def test_an_atom_that_points_the_other_way_is_not_found():
    assert recovery(-torch.eye(2), torch.eye(2)).share_recovered == 0


def test_random_atoms_recover_nothing():
    g = torch.Generator().manual_seed(0)
    found = recovery(torch.randn(64, 64, generator=g), torch.randn(64, 64, generator=g))
    assert found.share_recovered == 0
    assert found.mean_max_cosine < 0.5


def test_bad_atoms_are_refused():
    with pytest.raises(MismatchError, match="have 3 dimensions and the true ones 2"):
        recovery(torch.eye(3), torch.eye(2))
    with pytest.raises(DataError, match="no learnt atoms"):
        recovery(torch.zeros(0, 2), torch.eye(2))
    with pytest.raises(DataError, match="some learnt atoms are not finite"):
        recovery(torch.full((1, 2), float("nan")), torch.eye(2))


def test_exchanged_matches_recover_only_atoms_that_are_alike():
    twins = torch.eye(3)
    twins[1] = torch.tensor([0.95, (1 - 0.95**2) ** 0.5, 0.0])
    # Of six pairs of an atom and another's match, the two of the twins are alike.
    assert recovery(twins, twins).exchanged == pytest.approx(2 / 6)
    assert recovery(torch.eye(3), torch.eye(3)).exchanged == 0
    assert math.isnan(recovery(torch.eye(3)[:1], torch.eye(3)).exchanged)
