"""N:M magnitude pruning."""

from sparsetime.computation.recipes.card import recipe
from sparsetime.computation.weight_plan import WeightPlan


@recipe(
    "n_m",
    title="N:M magnitude pruning",
    paper="Mishra et al. 2021, Accelerating Sparse Deep Neural Networks, arXiv:2104.08378",
    idea="The largest N of every M consecutive inputs are kept, a pattern that GPUs multiply with.",
    claim="2:4 keeps the accuracy of dense networks after fine-tuning, at twice the throughput.",
    source_of_defaults="2:4 is what the hardware runs; N follows from the sparsity.",
    cost="A sort of every matrix.",
)
def n_m(m: int = 4) -> WeightPlan:
    """`m`: length of a group; `st.sparsify(model, "2:4", sparsity=0.5)` is m=4."""
    return WeightPlan("magnitude", {"kind": "n_m", "m": m})
