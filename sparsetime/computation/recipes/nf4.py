"""NF4: four bits at the quantiles of a normal distribution."""

from sparsetime.computation.bit_plan import BitPlan
from sparsetime.computation.recipes.card import recipe


@recipe(
    "nf4",
    title="NormalFloat of 4 bits (NF4)",
    paper="Dettmers et al. 2023, QLoRA, arXiv:2305.14314",
    idea="Sixteen levels that normally distributed weights use equally often.",
    claim="Lower perplexity than 4-bit integers and floats at equal size.",
    source_of_defaults="Section 3: the levels; a group of 64 shares a scale. Scales are not "
    "rounded a second time.",
    cost="A pass over the weights.",
)
def nf4(group: int | None = None) -> BitPlan:
    """`group`: inputs that share a scale, 64 in the paper; None for a row."""
    return BitPlan("normal_float", group)
