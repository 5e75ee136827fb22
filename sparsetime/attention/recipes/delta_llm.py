"""DeltaLLM: exact attention in a window, and keys with thresholded changes before it."""

from sparsetime.attention.geometry.window import Window
from sparsetime.attention.layouts.blocks import Blocks
from sparsetime.attention.policy import AttentionPolicy
from sparsetime.attention.recipes.card import policy_recipe
from sparsetime.attention.remainders.held_keys import HeldKeys


@policy_recipe(
    "delta_llm",
    title="DeltaLLM",
    paper="Xu et al. 2025, DeltaLLM: a training-free framework exploiting temporal sparsity for "
    "efficient edge LLM inference",
    idea="Keys of neighbouring tokens are alike, so small changes between them are set to zero and "
    "their products left out; near tokens are exact.",
    claim="Up to 60% sparsity in prefill with a negligible loss of accuracy.",
    source_of_defaults="A window of exact keys as in its section 3; the threshold is the user's, "
    "here by the root mean square of a key.",
    cost="One pair a query and key of the window, and one product a change of a key that is not "
    "zero; this implementation computes all of them.",
    system=35,
)
def delta_llm(window: int = 32, threshold: float = 0.55) -> AttentionPolicy:
    """`window`: exact nearest keys; `threshold`: change of a dimension that is kept."""
    return AttentionPolicy(Blocks(1, 1), Window(window), remainder=HeldKeys(threshold))
