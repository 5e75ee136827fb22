"""DSnoT: swaps of kept and removed weights without training."""

from sparsetime.computation.recipes.card import recipe
from sparsetime.computation.weight_plan import WeightPlan


@recipe(
    "dsnot",
    title="Dynamic Sparse No Training",
    paper="Zhang et al. 2024, Dynamic Sparse No Training: Training-Free Fine-tuning for Sparse "
    "LLMs, arXiv:2310.08915",
    idea="From a Wanda mask, rows swap kept and removed weights while their output error falls.",
    claim="Lower perplexity than Wanda at 60 to 70%, without gradients and with weights unchanged.",
    source_of_defaults="Appendix: 50 cycles and a threshold of 0.1, from Wanda.",
    cost="A forward pass over the calibration data, and some swaps a row.",
    system=130,
)
def dsnot(cycles: int = 50, threshold: float = 0.1) -> WeightPlan:
    """`cycles`: most swaps of a row; `threshold`: mean output error below which it is left."""
    swap = {"kind": "swap", "cycles": cycles, "threshold": threshold}
    return WeightPlan("wanda", "fan_in", schedule=swap)
