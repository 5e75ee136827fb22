"""Comparison and ranks, on boards made by hand."""

import pytest

from sparsetime.comparison.entry import LeaderboardEntry
from sparsetime.comparison.grid import cells
from sparsetime.comparison.leaderboard_files import Leaderboard
from sparsetime.comparison.rank_stability import rank_stability
from sparsetime.comparison.recipe_comparison import comparisons, rankings
from sparsetime.comparison.reseed_noise import noisy_difference, reseed_noise
from sparsetime.comparison.settings import LeaderboardSettings
from sparsetime.errors import MismatchError


def board(fvu, smoothness, l0=1.0):
    """Recipes whose FVU is `fvu / k` and whose L0 is `l0 * k`; a seed adds a hundredth of it."""
    settings = LeaderboardSettings.model_validate(
        {"recipes": list(fvu), "widths": [8], "ks": [2, 4, 8], "seeds": [0, 1], "beds": ["python"]}
    )
    entries = [
        LeaderboardEntry(
            cell=cell,
            terms={},
            metrics={
                "l0": cell.k * (l0 if cell.recipe == "slow_fast" else 1.0),
                "fvu": fvu[cell.recipe] / cell.k * (1 + cell.seed / 100),
                "smoothness": smoothness[cell.recipe] + cell.seed / 10,
            },
            left_out={},
            probes=[],
            octaves=[],
            seconds=1.0,
        )
        for cell in cells(settings)
    ]
    return Leaderboard("nowhere", settings, tuple(entries), {})


def test_recipes_stand_in_the_order_of_fvu_at_equal_l0():
    fvu = {"batch_topk": 1.0, "slow_fast": 1.2, "delta": 0.8}
    (found,) = rankings(board(fvu, dict.fromkeys(fvu, 1.0)))
    assert found.l0 == 4.0
    assert list(found.fvu) == ["delta", "batch_topk", "slow_fast"]
    assert found.fvu["slow_fast"] == pytest.approx((0.3, 0.303))


def test_a_recipe_that_does_not_reach_the_l0_is_named():
    fvu = {"batch_topk": 1.0, "slow_fast": 1.2, "delta": 0.8}
    (found,) = rankings(board(fvu, dict.fromkeys(fvu, 1.0), l0=5.0))
    assert "slow_fast" not in found.fvu
    assert "reaches from L0 10 to 40, and 4 is outside" in found.left_out["slow_fast"]


def test_figures_are_compared_where_l0_and_fvu_are_equal():
    fvu = {"batch_topk": 1.0, "slow_fast": 1.02}
    (found,) = comparisons(board(fvu, {"batch_topk": 1.0, "slow_fast": 0.5}))
    assert (found.recipe, found.metric, found.axis, found.level) == (
        *("slow_fast", "smoothness", "l0"),
        4.0,
    )
    assert found.value == pytest.approx(0.55) and found.baseline == pytest.approx(1.05)
    assert found.difference.value == pytest.approx(-0.5)
    assert found.noise.noise == pytest.approx(0.1) and found.noise.verdict == "exceeds noise"


def test_nothing_is_compared_at_unequal_fvu():
    fvu = {"batch_topk": 1.0, "slow_fast": 1.3}
    (found,) = comparisons(board(fvu, {"batch_topk": 1.0, "slow_fast": 0.5}))
    assert found.value is None and found.difference is None
    assert "at L0 4 the FVU of 'slow_fast' is" in found.reason and "30% apart" in found.reason


def test_equal_fvu_with_equal_l0_is_tried_where_equal_l0_fails():
    fvu = {"batch_topk": 1.0, "slow_fast": 1.0}
    made = board(fvu, {"batch_topk": 1.0, "slow_fast": 0.5}, l0=1.04)
    (found,) = comparisons(made)
    assert found.axis == "fvu"  # 4% more latents for the same FVU is within the tolerance
    (far,) = comparisons(board(fvu, {"batch_topk": 1.0, "slow_fast": 0.5}, l0=1.2))
    assert "apart where 5% is allowed" in far.reason


def test_a_difference_exceeds_noise_where_it_is_larger_than_that_of_two_seeds():
    assert reseed_noise([1.0, 3.0]) == pytest.approx(2**0.5) and reseed_noise([1.0]) is None
    apart = noisy_difference([1.0, 3.0], [4.9, 4.9])
    assert (apart.difference, apart.noise) == pytest.approx((-2.9, 2**0.5))
    assert apart.exceeds and apart.verdict == "exceeds noise"
    assert noisy_difference([1.0, 3.0], [3.0, 3.0]).verdict == "within noise"
    assert noisy_difference([1.0], [3.0, 3.0]).verdict == "one seed"


def test_kendalls_tau_between_the_rankings_of_seeds():
    alike = rank_stability({"a": [1, 2], "b": [3, 4], "c": [5, 6]})
    assert (alike.tau, alike.lowest, alike.pairs) == (1.0, 1.0, 1)
    assert rank_stability({"a": [1, 6], "b": [3, 4], "c": [5, 2]}).tau == -1.0
    # Of three pairs of recipes one is exchanged: (2 - 1) / 3.
    swapped = rank_stability({"a": [1, 3, 1], "b": [3, 1, 3], "c": [5, 5, 5]})
    assert swapped.tau == pytest.approx((1 / 3 + 1 + 1 / 3) / 3)
    assert swapped.lowest == pytest.approx(1 / 3) and swapped.pairs == 3


def test_no_ranking_no_tau():
    assert rank_stability({"a": [1.0, 2.0]}).tau is None
    assert rank_stability({"a": [1.0], "b": [2.0]}).tau is None
    assert rank_stability({}).tau is None
    with pytest.raises(MismatchError, match="the same seeds for all recipes; these have: 'a' 2"):
        rank_stability({"a": [1.0, 2.0], "b": [1.0]})
