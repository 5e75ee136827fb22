"""Combiner: direct attention within a block, and means of all earlier blocks."""

from sparsetime.attention.geometry.window import Window
from sparsetime.attention.layouts.blocks import Blocks
from sparsetime.attention.policy import AttentionPolicy
from sparsetime.attention.recipes.card import policy_recipe
from sparsetime.attention.remainders.summaries import Summaries


@policy_recipe(
    "combiner",
    title="Combiner",
    paper="Ren et al. 2021, Combiner: full attention transformer with sparse computation cost, "
    "arXiv:2107.05768",
    idea="All-pairs attention is factored: direct links within a block, and every earlier block as "
    "one summary of its keys and values.",
    claim="Full attention at the cost of sparse masks, better than those on images and text.",
    source_of_defaults="The fixed form of its section 4.1, with means as summaries, where the "
    "paper attends within the block to make them; the block is near the root of the length.",
    cost="One pair a query and key of the block, and one a query and earlier block.",
    system=8,
)
def combiner(block: int = 16) -> AttentionPolicy:
    """`block`: tokens that are read directly, and that a summary stands for."""
    return AttentionPolicy(Blocks(block, 1), Window(1), remainder=Summaries(), causal=True)
