"""SET: sparse evolutionary training."""

from sparsetime.computation.recipes.card import recipe
from sparsetime.computation.weight_plan import WeightPlan


@recipe(
    "set",
    title="Sparse evolutionary training",
    paper="Mocanu et al. 2018, Scalable training of artificial neural networks with adaptive "
    "sparse connectivity inspired by network science, arXiv:1707.04780",
    idea="Training from a sparse start: the smallest weights are dropped and random ones grown.",
    claim="A quadratic number of parameters less at no loss of accuracy.",
    source_of_defaults="Fraction 0.3 and a cosine decay as in RigL, with which it is compared; the "
    "paper takes 0.3 at every epoch, without decay.",
    cost="That of dense training with masks; updates sort every matrix.",
)
def set_(every: int = 100, until: int = 1000, fraction: float = 0.3) -> WeightPlan:
    """`every`, `until`: optimiser steps between updates, and of the last; `fraction`: dropped."""
    regrow = {"kind": "regrow", "every": every, "until": until, "fraction": fraction}
    return WeightPlan("random", "free", "erk", regrow | {"growth": "random"})
