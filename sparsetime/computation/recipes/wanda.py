"""Wanda: one-shot pruning by weights and activations."""

from typing import Any

from sparsetime.computation.recipes.card import recipe
from sparsetime.computation.weight_plan import WeightPlan


@recipe(
    "wanda",
    title="Wanda",
    paper="Sun et al. 2024, A Simple and Effective Pruning Approach for Large Language Models, "
    "arXiv:2306.11695",
    idea="Weights are compared within an output by their magnitude times the norm of their input.",
    claim="Far above magnitude pruning on large language models, without a weight update.",
    source_of_defaults="Section 3: the comparison group is an output, so that every output keeps "
    "equally many inputs, and all matrices have the same sparsity.",
    cost="A forward pass over the calibration data, and a sort of every matrix.",
)
def wanda(structure: str | dict[str, Any] = "fan_in") -> WeightPlan:
    """`structure`: "fan_in" compares within an output; {"kind": "n_m", "m": 4} keeps 2:4."""
    return WeightPlan("wanda", structure)
