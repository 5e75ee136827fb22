"""SampleAttention: a window, and columns that sampled queries read."""

from sparsetime.attention.budgets.mass import Mass
from sparsetime.attention.geometry.window import Window
from sparsetime.attention.layouts.blocks import Blocks
from sparsetime.attention.policy import AttentionPolicy
from sparsetime.attention.recipes.card import policy_recipe
from sparsetime.attention.scorers.sampled_queries import SampledQueries


@policy_recipe(
    "sample_attention",
    title="SampleAttention",
    paper="Zhu et al. 2024, SampleAttention: near-lossless acceleration of long context "
    "LLM inference with adaptive structured sparse attention, arXiv:2406.15486",
    idea="Few queries of a prompt show which columns a head reads; a window covers the rest.",
    claim="Near-lossless accuracy, with time to first token lower by up to 2.42 times.",
    source_of_defaults="Mass 0.95 as in its section 5. Its 5% of queries and 8% of keys "
    "for the window become counts here.",
    cost="Attention of the sampled queries once a prompt beside the pairs that are read.",
    system=139,
)
def sample_attention(
    mass: float = 0.95, sampled: int = 32, window: int = 64, tile: int = 16
) -> AttentionPolicy:
    """`mass`: that columns hold; `sampled`: queries; `window`: keys; `tile`: queries."""
    return AttentionPolicy(
        Blocks(1, tile),
        Window(window),
        SampledQueries(sampled, "spread"),
        Mass(mass),
        phases=("prefill",),
        causal=True,
    )
