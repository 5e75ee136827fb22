"""ZipVL: one number of keys a layer, from its attention mass."""

from sparsetime.attention.budgets.layer_mass import LayerMass
from sparsetime.attention.geometry.window import Window
from sparsetime.attention.layouts.blocks import Blocks
from sparsetime.attention.policy import AttentionPolicy
from sparsetime.attention.recipes.card import policy_recipe
from sparsetime.attention.scorers.sampled_queries import SampledQueries


@policy_recipe(
    "zipvl",
    title="ZipVL",
    paper="He et al. 2024, ZipVL: efficient large vision-language models with dynamic "
    "token sparsification and KV cache compression, arXiv:2410.08584",
    idea="Layers differ in how many tokens hold their attention mass, so each keeps a "
    "number of its own.",
    claim="Prefill faster by up to 2.6 times at almost the same accuracy.",
    source_of_defaults="Mass 0.975 as in its section 5. The cache keeps its precision: "
    "only the choice of tokens is computed.",
    cost="Attention of the sampled queries once a prompt beside the pairs that are read.",
    system=93,
)
def zipvl(
    mass: float = 0.975, sampled: int = 64, window: int = 16, tile: int = 16
) -> AttentionPolicy:
    """`mass`: held by the kept tokens; `sampled`: last queries; `window`: keys; `tile`: queries."""
    return AttentionPolicy(
        Blocks(1, tile),
        Window(window),
        SampledQueries(sampled),
        LayerMass(mass),
        phases=("prefill",),
        causal=True,
    )
