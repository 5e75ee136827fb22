"""PowerAttention: keys at power-of-two distances."""

from sparsetime.attention.geometry.powers_of_two import PowersOfTwo
from sparsetime.attention.layouts.blocks import Blocks
from sparsetime.attention.policy import AttentionPolicy
from sparsetime.attention.recipes.card import policy_recipe


@policy_recipe(
    "power_attention",
    title="PowerAttention",
    paper="Chen et al. 2025, PowerAttention: exponentially scaling of receptive fields for "
    "effective sparse attention, arXiv:2503.03588",
    idea="The reach of keys at power-of-two distances doubles with every layer.",
    claim="Long-range tasks at the cost of a sliding window, better by 5 to 40%.",
    source_of_defaults="A window and sinks as in its section 4; sizes are the user's.",
    cost="One pair a query and key of the pattern; nothing is estimated.",
    system=32,
)
def power_attention(window: int = 16, sinks: int = 1) -> AttentionPolicy:
    """`window`: nearest keys; `sinks`: first keys."""
    return AttentionPolicy(Blocks(1, 1), PowersOfTwo(window, sinks), causal=True)
