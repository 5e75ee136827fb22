"""SRigL: RigL with constant fan-in and ablation of neurons."""

from sparsetime.computation.recipes.card import recipe
from sparsetime.computation.weight_plan import WeightPlan


@recipe(
    "srigl",
    title="SRigL",
    paper="Lasby et al. 2024, Dynamic Sparse Training with Structured Sparsity, arXiv:2305.02299",
    idea="RigL in which every live neuron reads equally many inputs, and weak neurons are removed.",
    claim="The accuracy of RigL with a structure that runs faster than dense on a CPU.",
    source_of_defaults="Section 3 and appendix: ablation threshold 0.3, otherwise as RigL.",
    cost="As RigL.",
    system=137,
)
def srigl(
    every: int = 100, until: int = 1000, fraction: float = 0.3, ablate: float = 0.3
) -> WeightPlan:
    """`ablate`: share of its fan-in that a neuron needs among the salient weights to stay."""
    regrow = {"kind": "regrow", "every": every, "until": until, "fraction": fraction}
    return WeightPlan("random", {"kind": "fan_in", "ablate": ablate}, "erk", regrow)
