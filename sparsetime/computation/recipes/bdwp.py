"""BDWP: bidirectional N:M weight pruning."""

from sparsetime.computation.recipes.card import recipe
from sparsetime.computation.weight_plan import WeightPlan


@recipe(
    "bdwp",
    title="Bidirectional weight pruning (BDWP)",
    paper="Fang et al. 2024, Efficient N:M Sparse DNN Training Using Algorithm, Architecture, and "
    "Dataflow Co-Design, arXiv:2309.13015",
    idea="Weights are N:M along inputs in the forward pass and along outputs in the backward pass.",
    claim="2:8 training within a point of dense, with half of the multiplications of training.",
    source_of_defaults="2:8 is the pattern of the paper, and masks are refreshed at every step; "
    "the decay is that of SR-STE, on which it builds.",
    cost="That of dense training, and two sorts of every group at every step.",
    system=95,
)
def bdwp(m: int = 8, decay: float = 2e-4) -> WeightPlan:
    """`m`: length of a group; N follows from the sparsity, 0.75 for 2:8. `decay`: as in SR-STE."""
    rule = {"kind": "both_ways", "decay": decay}
    return WeightPlan(
        "magnitude", {"kind": "n_m", "m": m}, schedule="refreshed", gradient_rule=rule
    )
