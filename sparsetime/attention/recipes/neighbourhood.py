"""Generalised neighbourhood attention over a grid of cells."""

from sparsetime.attention.geometry.neighbourhood import Neighbourhood
from sparsetime.attention.layouts.blocks import Blocks
from sparsetime.attention.policy import AttentionPolicy
from sparsetime.attention.recipes.card import policy_recipe


@policy_recipe(
    "neighbourhood",
    title="Generalised neighbourhood attention",
    paper="Hassani et al. 2025, GNA: multi-dimensional "
    "sparse attention at the speed of light, arXiv:2504.16922",
    idea="One family of local patterns, from sliding windows to blocks, by a stride that "
    "groups share.",
    claim="Strides that fit the tiles of a GPU reach the speed-up that their sparsity promises.",
    source_of_defaults="The grid is that of the data; window and stride are the user's.",
    cost="One pair a query and key of the window; nothing is estimated.",
    system=303,
)
def neighbourhood(
    shape: list[int] | None = None, window: list[int] | None = None, stride: list[int] | None = None
) -> AttentionPolicy:
    """`shape`: cells of the grid; `window`: read cells; `stride`: cells that share a window."""
    return AttentionPolicy(
        Blocks(1, 1), Neighbourhood(shape or [8, 8], window or [3, 3], stride), causal=False
    )
