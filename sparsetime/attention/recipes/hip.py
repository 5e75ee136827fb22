"""HiP: top keys by a tree search."""

from sparsetime.attention.budgets.scored import Scored
from sparsetime.attention.geometry.window import Window
from sparsetime.attention.layouts.blocks import Blocks
from sparsetime.attention.policy import AttentionPolicy
from sparsetime.attention.recipes.card import policy_recipe
from sparsetime.attention.scorers.tree import Tree


@policy_recipe(
    "hip",
    title="HiP attention",
    paper="Lee et al. 2024, A training-free sub-quadratic cost transformer model serving "
    "framework with hierarchically pruned attention, arXiv:2406.09827",
    idea="Keys nearby have similar scores, so a tree of middle keys is searched for the largest.",
    claim="Prefill in O(T log T) and decoding in O(log T) without training, at small loss.",
    source_of_defaults="The representative of a branch is its middle key, as in its "
    "section 3.2; sizes are the user's.",
    cost="2 k log2(T / k) products a tile beside the pairs that are read.",
    system=289,
)
def hip(keys: int = 64, unit: int = 2, tile: int = 8) -> AttentionPolicy:
    """`keys`: budget; `unit`: keys of a leaf; `tile`: queries that choose together."""
    return AttentionPolicy(Blocks(unit, tile), Window(1), Tree(keys), Scored(), causal=True)
