"""StreamingLLM: a sliding window and the first keys."""

from sparsetime.attention.geometry.window import Window
from sparsetime.attention.layouts.blocks import Blocks
from sparsetime.attention.policy import AttentionPolicy
from sparsetime.attention.recipes.card import policy_recipe


@policy_recipe(
    "streaming_llm",
    title="StreamingLLM",
    paper="Xiao et al. 2023, Efficient streaming language models with attention sinks, "
    "arXiv:2309.17453",
    idea="Softmax needs somewhere to put its mass: the first tokens, kept beside a window.",
    claim="Perplexity stays flat over millions of tokens, where a window alone collapses.",
    source_of_defaults="Four sinks as in its section 3.2; the window is the user's. Positions are "
    "not numbered again within the cache, as a pretrained model's context is not exceeded here.",
    cost="One pair a query and key of the window; nothing is estimated.",
)
def streaming_llm(window: int = 60, sinks: int = 4, unit: int = 1) -> AttentionPolicy:
    """`window`: keys of the window; `sinks`: first keys; `unit`: tokens of a unit."""
    return AttentionPolicy(Blocks(unit, unit), Window(window, sinks), causal=True)
