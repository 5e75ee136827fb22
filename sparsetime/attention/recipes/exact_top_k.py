"""Exact top-k attention: the oracle that estimates are compared with."""

from sparsetime.attention.budgets.top_k import TopKeys
from sparsetime.attention.layouts.blocks import Blocks
from sparsetime.attention.policy import AttentionPolicy
from sparsetime.attention.recipes.card import policy_recipe
from sparsetime.attention.scorers.exact import Exact


@policy_recipe(
    "exact_top_k",
    title="Exact top-k attention",
    paper="Gupta et al. 2021, Memory-efficient transformers via top-k attention, arXiv:2106.06899",
    idea="Each query reads the keys of its largest attention weights and no others.",
    claim="A pretrained model keeps its accuracy with a few keys a query.",
    source_of_defaults="The number of keys is the user's; single keys and queries.",
    cost="As much as dense attention, for scores; it saves nothing and is a ceiling.",
)
def exact_top_k(keys: int = 64, unit: int = 1, tile: int = 1) -> AttentionPolicy:
    """`keys`: budget; `unit`: keys of a unit; `tile`: queries that choose together."""
    return AttentionPolicy(Blocks(unit, tile), scorer=Exact(), budget=TopKeys(keys))
