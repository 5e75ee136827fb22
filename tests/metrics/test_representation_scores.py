"""Similarity of activating inputs, sense pairs, out-of-distribution scores: closed forms."""

import math

import numpy as np
import pytest
import torch

from sparsetime import seeds
from sparsetime.codes import SparseCode
from sparsetime.errors import DataError, MismatchError
from sparsetime.metrics import (
    energy_score,
    hierarchy_agreement,
    mahalanobis_score,
    monosemanticity_score,
    sense_pair_scores,
    strongest_latent,
)


def test_similarity_is_the_weighted_mean_over_pairs():
    code = torch.tensor([[2.0, 1.0, 0.0], [1.0, 0.0, 3.0], [0.0, 1.0, 0.0]])
    embeddings = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]])
    score = monosemanticity_score(code, embeddings)
    assert score[0] == pytest.approx(math.sqrt(0.5))  # one pair, whatever its weight
    assert score[1] == pytest.approx(0)
    assert math.isnan(score[2])
    sparse = monosemanticity_score(SparseCode.from_dense(code), embeddings)
    np.testing.assert_allclose(sparse, score)
    rng = seeds.torch_generator(0, "random inputs")
    many, judge = torch.rand(9, 1, generator=rng), torch.randn(9, 4, generator=rng)
    unit, a = judge / judge.norm(dim=1, keepdim=True), many[:, 0] / many.max()
    weights = a.outer(a).fill_diagonal_(0)
    by_pairs = (weights * (unit @ unit.T)).sum() / weights.sum()
    assert monosemanticity_score(many, judge)[0] == pytest.approx(by_pairs.item(), abs=1e-6)
    with pytest.raises(MismatchError, match="got codes of 3 inputs and embeddings of 2"):
        monosemanticity_score(code, embeddings[:2])
    with pytest.raises(DataError, match="got 1 embeddings of length 0"):
        monosemanticity_score(code, embeddings * torch.tensor([[1.0], [1.0], [0.0]]))


def test_pairs_are_judged_by_their_strongest_latent():
    code = SparseCode.from_dense(
        torch.tensor([[2.0, 1.0], [3.0, 0.0], [0.0, 1.0], [0.0, 0.0], [1.0, 1.0]])
    )
    assert strongest_latent(code).tolist() == [0, 0, 1, -1, 0]
    pairs = torch.tensor([[0, 1], [0, 2], [3, 3], [1, 4]])
    scores = sense_pair_scores(code, pairs, torch.tensor([True, False, True, False]))
    assert scores.accuracy.value == 0.5
    assert scores.accuracy.null == 0.5
    assert scores.precision.value == 0.5
    assert scores.recall.value == 0.5
    assert scores.specificity.value == 0.5
    with pytest.raises(DataError, match="got 4 pairs of the same sense among 4"):
        sense_pair_scores(code, pairs, torch.ones(4, dtype=torch.bool))
    with pytest.raises(MismatchError, match="got 3 labels for 4 pairs"):
        sense_pair_scores(code, pairs, torch.ones(3, dtype=torch.bool))


def test_energy_counts_silent_latents_and_does_not_overflow():
    code = SparseCode.from_dense(torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 2.0], [900.0, 0, 0]]))
    expected = [math.log(3), math.log(math.e + 1 + math.e**2), 900.0]
    np.testing.assert_allclose(energy_score(code), expected)


def test_mahalanobis_is_in_units_of_the_reference():
    reference = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 3.0], [0.0, -3.0]])
    score = mahalanobis_score(torch.tensor([[1.0, 0.0], [0.0, 3.0], [0, 0]]), reference, ridge=0)
    np.testing.assert_allclose(score, [-2, -2, 0], atol=1e-9)


def test_codes_that_follow_the_tree_agree_with_it():
    # Six classes in two families: within a family a distance of 1, across families one of 2.
    family = np.repeat([0, 1], 3)
    tree = np.where(family[:, None] == family, 1.0, 2.0)
    np.fill_diagonal(tree, 0)
    x = torch.zeros(12, 8)
    labels = np.tile(np.arange(6), 2)
    x[torch.arange(12), torch.from_numpy(labels)] = 1
    x[torch.arange(12), torch.from_numpy(6 + family[labels])] = 3
    result = hierarchy_agreement(x, labels, tree)
    assert result.value == pytest.approx(1)
    assert abs(result.null) < 0.2
    assert result.details["p"] < 0.2
    with pytest.raises(DataError, match="got 3 classes with rows of 6 in the tree"):
        hierarchy_agreement(x[:3], labels[:3], tree)
