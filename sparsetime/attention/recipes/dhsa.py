"""DHSA: chunks of adaptive length, scored by length-normalised sums."""

from sparsetime.attention.budgets.top_k import TopKeys
from sparsetime.attention.geometry.window import Window
from sparsetime.attention.layouts.chunks import Chunks
from sparsetime.attention.policy import AttentionPolicy
from sparsetime.attention.recipes.card import policy_recipe
from sparsetime.attention.scorers.pooled import Pooled


@policy_recipe(
    "dhsa",
    title="DHSA",
    paper="Xiong et al. 2025, Long-context modeling with dynamic hierarchical sparse "
    "attention for on-device LLMs, arXiv:2510.24606",
    idea="Chunks end where the keys change, and a sum over a chunk is divided by the root "
    "of its length.",
    claim="Accuracy of dense attention at lower latency and memory on needle tests.",
    source_of_defaults="Bounds are the largest changes of the keys, where the paper trains "
    "a predictor of them; sizes are the user's.",
    cost="One product a chunk and query beside the pairs that are read.",
    system=28,
)
def dhsa(chunk: int = 16, keys: int = 64, tile: int = 1) -> AttentionPolicy:
    """`chunk`: mean keys of a chunk; `keys`: budget; `tile`: queries that choose together."""
    return AttentionPolicy(
        Chunks(chunk, tile), Window(1), Pooled("root"), TopKeys(keys), causal=True
    )
