"""SR-STE: N:M training with straight-through gradients."""

from sparsetime.computation.recipes.card import recipe
from sparsetime.computation.weight_plan import WeightPlan


@recipe(
    "sr_ste",
    title="SR-STE",
    paper="Zhou et al. 2021, Learning N:M Fine-grained Structured Sparse Neural Networks From "
    "Scratch, arXiv:2102.04010",
    idea="Dense weights are trained through their N:M thinned copy, and removed ones decay.",
    claim="N:M networks from scratch with the accuracy of dense ones.",
    source_of_defaults="Decay 2e-4, and masks at every step, as in the paper.",
    cost="That of dense training, and a sort of every group at every step.",
)
def sr_ste(m: int = 4, decay: float = 2e-4) -> WeightPlan:
    """`m`: length of a group; N follows from the sparsity. `decay`: of removed weights."""
    rule = {"kind": "straight_through", "decay": decay}
    return WeightPlan(
        "magnitude", {"kind": "n_m", "m": m}, schedule="refreshed", gradient_rule=rule
    )
