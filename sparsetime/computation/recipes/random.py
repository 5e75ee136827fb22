"""Random pruning at initialisation."""

from typing import Literal

from sparsetime.computation.recipes.card import recipe
from sparsetime.computation.weight_plan import WeightPlan


@recipe(
    "random",
    title="Random pruning",
    paper="Liu et al. 2022, The Unreasonable Effectiveness of Random Pruning, arXiv:2202.02643",
    idea="Random masks at initialisation, with a good sparsity for each layer, and plain training.",
    claim="Wide networks train to the accuracy of dense ones; ERK layer ratios beat uniform ones.",
    source_of_defaults="ERK is the ratio that the paper recommends without a dense run.",
    cost="That of dense training.",
    system=74,
)
def random(distribution: Literal["erk", "uniform"] = "erk") -> WeightPlan:
    """`distribution`: of sparsity over matrices."""
    return WeightPlan("random", "free", distribution)
