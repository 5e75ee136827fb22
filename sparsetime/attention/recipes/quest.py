"""Quest: pages of the cache by bounds of their products with the query."""

from sparsetime.attention.budgets.top_k import TopKeys
from sparsetime.attention.layouts.blocks import Blocks
from sparsetime.attention.policy import AttentionPolicy
from sparsetime.attention.recipes.card import policy_recipe
from sparsetime.attention.scorers.extremes import Extremes


@policy_recipe(
    "quest",
    title="Quest",
    paper="Tang et al. 2024, Quest: query-aware sparsity for efficient long-context LLM inference, "
    "arXiv:2406.10774",
    idea="Extremes of a page by channel bound the products of all its keys with a query.",
    claim="Up to 7 times faster decoding attention with negligible loss on long tasks.",
    source_of_defaults="Pages of 16 and two dense layers as in its section 4; the number of keys "
    "is the user's. The paper decodes alone; `tile` lets it select in prefill.",
    cost="Two products a page and query beside the pairs that are read.",
)
def quest(page: int = 16, keys: int = 256, skip_layers: int = 2, tile: int = 1) -> AttentionPolicy:
    """`page`: keys of a page; `keys`: budget; `skip_layers`: dense modules; `tile`: in prefill."""
    return AttentionPolicy(
        Blocks(page, tile),
        scorer=Extremes(),
        budget=TopKeys(keys),
        skip_layers=skip_layers,
        phases=("decode",),
        causal=True,
    )
