"""Structures and distributions: counts, patterns, the highest scores, and what they refuse."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from sparsetime.computation.distributions.distribution import Distribution
from sparsetime.computation.structures.structure import Structure, top_mask
from sparsetime.registry import components_of

Structure.kinds  # noqa: B018
KINDS = {kind: dict(cls.example) for kind, cls in components_of("structure").items()}


def structure(kind, **settings):
    return Structure.from_config({"kind": kind, **KINDS[kind], **settings})


@pytest.mark.parametrize("kind", KINDS)
@given(seed=some.integers(0, 10**6), eighths=some.integers(0, 3))
@settings(max_examples=8)
def test_a_mask_has_its_structure_and_sparsity(kind, seed, eighths):
    scores = torch.rand(16, 8, generator=torch.Generator().manual_seed(seed))
    made = structure(kind)
    sparsity = 2 * eighths / 8
    assert made.objection((16, 8), sparsity) is None
    mask = made.mask(scores, sparsity)
    assert made.holds(mask)
    assert float(mask.float().mean()) == pytest.approx(1 - sparsity)


def test_free_n_m_and_fan_in_keep_the_highest_scores():
    scores = torch.tensor([[4.0, 3, 2, 1], [8, 7, 6, 5]])
    assert structure("free").mask(scores, 0.5).int().tolist() == [[0, 0, 0, 0], [1, 1, 1, 1]]
    for kind in ("n_m", "fan_in"):
        assert structure(kind).mask(scores, 0.5).int().tolist() == [[1, 1, 0, 0]] * 2
    assert structure("rows").mask(scores, 0.5).int().tolist() == [[0, 0, 0, 0], [1, 1, 1, 1]]


def test_broken_masks_do_not_hold():
    mask = torch.zeros(16, 8, dtype=torch.bool)
    mask[0, :3] = mask[1, :1] = True
    assert [kind for kind in KINDS if structure(kind).holds(mask)] == ["free"]


def test_weak_neurons_are_ablated_and_the_others_take_their_weights():
    scores = torch.rand(8, 16, generator=torch.Generator().manual_seed(0)) + 1
    scores[5] = 0.1
    mask = structure("fan_in", ablate=0.5).mask(scores, 0.5)
    assert not mask[5].any()
    live = [row for row in range(8) if row != 5]
    assert mask[live].sum(1).tolist() == [8 * 8 // 7] * 7
    assert structure("fan_in", ablate=0.5).holds(mask)


@pytest.mark.parametrize(
    ("kind", "settings", "sparsity", "words"),
    [
        ("n_m", {"m": 4}, 0.6, "keeps 1.6 of 4 entries, expected a whole number, such as 2"),
        ("n_m", {"m": 5}, 0.4, "8 inputs are not divided by m=5"),
        ("group", {"size": 3}, 0.5, "8 inputs are not divided by size=3"),
        ("block", {"size": 5}, 0.5, r"shape \[16, 8\] is not divided by size=5"),
        ("shared_fan_in", {"tile": 5}, 0.5, "16 outputs are not divided by tile=5"),
        ("fan_in", {}, 0.97, "keeps less than one of its 8 inputs"),
        ("rows", {}, 0.99, "keeps none of its 16 outputs"),
    ],
)
def test_a_matrix_that_a_structure_does_not_divide_is_named(kind, settings, sparsity, words):
    made = structure(kind, **settings)
    why = made.objection((16, 8), sparsity)
    with pytest.raises(AssertionError, match=words):
        assert why is None, why


def test_erk_keeps_the_budget_and_small_matrices_denser():
    sizes = [(64, 64), (64, 8), (8, 8, 3, 3)]
    counts = [4096, 512, 576]
    for sparsity in (0.3, 0.7, 0.95):
        found = Distribution.from_config({"kind": "erk"}).sparsities(sizes, sparsity, [])
        left_out = sum(s * n for s, n in zip(found, counts, strict=True))
        assert left_out == pytest.approx(sparsity * sum(counts))
        assert found[1] < found[0]
        assert all(0 <= s < 1 for s in found)


def test_one_threshold_for_all_is_that_of_the_joined_scores():
    scores = [torch.arange(8.0).reshape(2, 4), torch.arange(8.0, 16).reshape(2, 4)]
    made = Distribution.from_config({"kind": "global"})
    assert made.sparsities([(2, 4)] * 2, 0.5, scores) == [1.0, 0.0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_partition_keeps_what_a_stable_sort_keeps(dtype):
    generator = torch.Generator().manual_seed(0)
    for levels in (3, 1000):  # many equal scores, and few
        scores = torch.randint(0, levels, (4, 257), generator=generator).to(dtype)
        scores[0, :9] = float("inf")
        for kept in (0, 1, 100, 256, 257):
            order = scores.sort(dim=-1, descending=True, stable=True).indices[..., :kept]
            expected = torch.zeros_like(scores, dtype=torch.bool).scatter_(-1, order, True)
            assert torch.equal(top_mask(scores, kept), expected)
