"""SnapKV: the prompt's keys that its last queries read."""

from sparsetime.attention.budgets.top_k import TopKeys
from sparsetime.attention.geometry.window import Window
from sparsetime.attention.layouts.blocks import Blocks
from sparsetime.attention.policy import AttentionPolicy
from sparsetime.attention.recipes.card import policy_recipe
from sparsetime.attention.scorers.sampled_queries import SampledQueries


@policy_recipe(
    "snapkv",
    title="SnapKV",
    paper="Li et al. 2024, SnapKV: LLM knows what you are looking for before generation, "
    "arXiv:2404.14469",
    idea="The prompt's last queries show which of its keys the answer will read.",
    claim="3.6 times faster generation at 16k tokens with comparable accuracy.",
    source_of_defaults="32 observing queries and a pool of 7 keys as in its section 5. Keys are "
    "chosen per head of queries; nothing is removed from the cache, so later tokens are all kept.",
    cost="Attention of the last queries once; then one pair a query and kept key.",
)
def snapkv(keys: int = 256, observed: int = 32, pool: int = 7, window: int = 32) -> AttentionPolicy:
    """`keys`: budget, window included; `observed`: last queries; `pool`: of neighbouring keys."""
    return AttentionPolicy(
        Blocks(1),
        Window(window),
        SampledQueries(observed, "last", pool),
        TopKeys(keys),
        phases=("decode",),
        causal=True,
    )
