"""RigL: dynamic sparse training with growth by gradient."""

from sparsetime.computation.recipes.card import recipe
from sparsetime.computation.weight_plan import WeightPlan


@recipe(
    "rigl",
    title="RigL",
    paper="Evci et al. 2020, Rigging the Lottery: Making All Tickets Winners, arXiv:1911.11134",
    idea="As SET, but weights with the largest gradients are grown.",
    claim="More accurate than other sparse-to-sparse training at equal FLOPs.",
    source_of_defaults="Section 3: every 100 steps, fraction 0.3 with cosine decay, ERK. `until` "
    "is three quarters of training in the paper, and the user's here.",
    cost="That of dense training with masks; updates sort every matrix.",
)
def rigl(every: int = 100, until: int = 1000, fraction: float = 0.3) -> WeightPlan:
    """`every`, `until`: optimiser steps between updates, and of the last; `fraction`: dropped."""
    regrow = {"kind": "regrow", "every": every, "until": until, "fraction": fraction}
    return WeightPlan("random", "free", "erk", regrow)
