"""Sparse Transformer: factorised attention over strides."""

from sparsetime.attention.geometry.strided import Strided
from sparsetime.attention.layouts.blocks import Blocks
from sparsetime.attention.policy import AttentionPolicy
from sparsetime.attention.recipes.card import policy_recipe


@policy_recipe(
    "sparse_transformer",
    title="Sparse Transformer",
    paper="Child et al. 2019, Generating long sequences with sparse transformers, arXiv:1904.10509",
    idea="A local part and a strided part reach every earlier position in two hops.",
    claim="Density of dense models at a cost that grows as n sqrt(n).",
    source_of_defaults="The stride is near the root of the length, as in its section 4.3; "
    "both parts are in every head, its third form.",
    cost="About 2 sqrt(n) pairs a query; nothing is estimated.",
    system=133,
)
def sparse_transformer(stride: int = 16, fixed: bool = False, summary: int = 1) -> AttentionPolicy:
    """`stride`: of both parts; `fixed`: summaries at fixed places; `summary`: their number."""
    return AttentionPolicy(
        Blocks(1, 1), Strided(stride, "fixed" if fixed else "strided", summary), causal=True
    )
