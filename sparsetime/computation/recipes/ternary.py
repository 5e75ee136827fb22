"""Ternary weight networks."""

from sparsetime.computation.bit_plan import BitPlan
from sparsetime.computation.recipes.card import recipe


@recipe(
    "ternary",
    title="Ternary weight networks",
    paper="Li and Liu 2016, Ternary Weight Networks, arXiv:1605.04711",
    idea="Each weight is -1, 0 or 1 times a scale, by a threshold on its magnitude.",
    claim="Close to full precision when trained with the rounded weights.",
    source_of_defaults="Section 2.2: a threshold of 0.7 of the mean magnitude. The paper has one "
    "scale a layer, here it is one an output.",
    cost="A pass over the weights; attached to an optimiser, one a step.",
)
def ternary(group: int | None = None) -> BitPlan:
    """`group`: inputs that share a scale; None for a row."""
    return BitPlan("ternary", group)
