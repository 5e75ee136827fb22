"""Rounding to the nearest integer of a few bits."""

from sparsetime.computation.bit_plan import BitPlan
from sparsetime.computation.recipes.card import recipe


@recipe(
    "round_to_nearest",
    title="Rounding to nearest",
    paper="Jacob et al. 2018, Quantization and Training of Neural Networks for Efficient "
    "Integer-Arithmetic-Only Inference, arXiv:1712.05877",
    idea="Each weight is the nearest of a few integers, times a scale of its row or group.",
    claim="8 bits close to float32; fewer bits by training with the rounded weights.",
    source_of_defaults="Section 2; symmetric, and a scale for each row, which is usual since.",
    cost="A pass over the weights; attached to an optimiser, one a step.",
)
def round_to_nearest(bits: int = 4, group: int | None = None) -> BitPlan:
    """`bits`: of a weight, from 2 to 8. `group`: inputs that share a scale; None for a row."""
    return BitPlan({"kind": "integer", "bits": bits}, group)
