"""MoBA: blocks of keys by the product of the query with their mean key."""

from sparsetime.attention.budgets.top_k import TopKeys
from sparsetime.attention.geometry.window import Window
from sparsetime.attention.layouts.blocks import Blocks
from sparsetime.attention.policy import AttentionPolicy
from sparsetime.attention.recipes.card import policy_recipe
from sparsetime.attention.scorers.pooled import Pooled


@policy_recipe(
    "moba",
    title="MoBA",
    paper="Lu et al. 2025, MoBA: mixture of block attention for long-context LLMs, "
    "arXiv:2502.13189",
    idea="A gate without parameters routes every query to blocks, as a mixture of experts does.",
    claim="Loss within 1e-3 of full attention at up to 81% sparsity while training.",
    source_of_defaults="A query always reads its own block, and the budget counts it, as in its "
    "section 2. Sizes are the user's. The paper routes single queries: tile=1.",
    cost="One product a block and query beside the pairs that are read.",
)
def moba(block: int = 64, keys: int = 256, tile: int = 1) -> AttentionPolicy:
    """`block`: keys of a block; `keys`: budget; `tile`: queries that choose together."""
    return AttentionPolicy(Blocks(block, tile), Window(1), Pooled(), TopKeys(keys), causal=True)
