"""Loki: keys ranked in few principal components."""

from sparsetime.attention.budgets.top_k import TopKeys
from sparsetime.attention.layouts.blocks import Blocks
from sparsetime.attention.policy import AttentionPolicy
from sparsetime.attention.recipes.card import policy_recipe
from sparsetime.attention.scorers.projected import Projected


@policy_recipe(
    "loki",
    title="Loki",
    paper="Singhania et al. 2024, Loki: low-rank keys for efficient sparse attention, "
    "arXiv:2406.02542",
    idea="Keys of a head lie near a subspace of few dimensions, in which products rank them.",
    claim="Scores from a quarter of the dimensions keep most of the top keys, with little "
    "loss of quality.",
    source_of_defaults="A quarter of 64 dimensions, as in its section 6; the number of "
    "keys is the user's. Components are computed after rotary positions.",
    cost="One product of `size` dimensions a key and query beside the pairs that are read.",
    system=182,
)
def loki(size: int = 16, keys: int = 64, tile: int = 1) -> AttentionPolicy:
    """`size`: components; `keys`: budget; `tile`: queries that choose together."""
    return AttentionPolicy(
        Blocks(1, tile), scorer=Projected(size), budget=TopKeys(keys), causal=True
    )
