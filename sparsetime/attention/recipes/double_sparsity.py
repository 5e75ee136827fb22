"""Double Sparsity: keys ranked by few important channels."""

from sparsetime.attention.budgets.top_k import TopKeys
from sparsetime.attention.layouts.blocks import Blocks
from sparsetime.attention.policy import AttentionPolicy
from sparsetime.attention.recipes.card import policy_recipe
from sparsetime.attention.scorers.channels import Channels


@policy_recipe(
    "double_sparsity",
    title="Double Sparsity",
    paper="Yang et al. 2024, Post-training sparse attention with double sparsity, arXiv:2408.07092",
    idea="A few channels of a head dominate its products; calibration on other text finds them.",
    claim="Accuracy is kept at 1/16 of tokens and channels, with 14 times faster attention.",
    source_of_defaults="An eighth of 64 channels; the paper uses 1/16 of 128, as many. The "
    "number of keys is the user's.",
    cost="One product of `channels` dimensions a key and query beside the pairs that are read.",
    system=75,
)
def double_sparsity(channels: int = 8, keys: int = 64, tile: int = 1) -> AttentionPolicy:
    """`channels`: of a head; `keys`: budget; `tile`: queries that choose together."""
    return AttentionPolicy(
        Blocks(1, tile), scorer=Channels(channels), budget=TopKeys(keys), causal=True
    )
