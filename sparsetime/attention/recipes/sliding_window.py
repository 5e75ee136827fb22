"""Sliding-window attention: the nearest keys."""

from sparsetime.attention.geometry.window import Window
from sparsetime.attention.layouts.blocks import Blocks
from sparsetime.attention.policy import AttentionPolicy
from sparsetime.attention.recipes.card import policy_recipe


@policy_recipe(
    "sliding_window",
    title="Sliding-window attention",
    paper="Beltagy et al. 2020, Longformer: the long-document transformer, arXiv:2004.05150",
    idea="Every query reads the keys nearest to it, so the cost grows with the length alone.",
    claim="Character language models with windows of growing size reach dense models.",
    source_of_defaults="The window is the user's; single keys and queries are exact.",
    cost="One pair a query and key of the window; nothing is estimated.",
)
def sliding_window(window: int = 64, unit: int = 1) -> AttentionPolicy:
    """`window`: keys of the window; `unit`: tokens of a unit, in which the window is rounded up."""
    return AttentionPolicy(Blocks(unit, unit), Window(window))
