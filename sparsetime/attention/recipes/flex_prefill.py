"""FlexPrefill: the pattern of each head is chosen for every prompt."""

from sparsetime.attention.budgets.mass import Mass
from sparsetime.attention.geometry.window import Window
from sparsetime.attention.layouts.blocks import Blocks
from sparsetime.attention.policy import AttentionPolicy
from sparsetime.attention.recipes.card import policy_recipe
from sparsetime.attention.scorers.by_divergence import ByDivergence


@policy_recipe(
    "flex_prefill",
    title="FlexPrefill",
    paper="Lai et al. 2025, FlexPrefill: a context-aware sparse attention mechanism for "
    "efficient long-sequence inference, arXiv:2502.20766",
    idea="A head whose pooled products describe its last queries reads by them, others by "
    "stripes; a share of mass decides how much.",
    claim="Faster and more accurate than fixed patterns at equal speed, up to 128k tokens.",
    source_of_defaults="Mass 0.95 and the distance 0.1 as in its section 4; blocks of 128 "
    "there. Stripes are scored by blocks, where the paper indexes single lines.",
    cost="Pooled products of all blocks, and attention of the last queries, beside the "
    "pairs that are read.",
    system=50,
)
def flex_prefill(
    mass: float = 0.95, limit: float = 0.1, block: int = 16, sampled: int = 64
) -> AttentionPolicy:
    """`mass`: that is read; `limit`: of the divergence; `block`: tokens; `sampled`: queries."""
    return AttentionPolicy(
        Blocks(block, block),
        Window(1, 1),
        ByDivergence(limit, sampled),
        Mass(mass),
        phases=("prefill",),
        causal=True,
    )
