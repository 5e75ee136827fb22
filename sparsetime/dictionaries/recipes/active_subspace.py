"""TopK SAE initialised in the active subspace of the activations."""

from sparsetime.dictionaries.decoders import ActiveSubspaceDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "active_subspace",
    title="TopK SAE initialised in the active subspace",
    paper="Wang et al. 2025, Attention Layers Add Into Low-Dimensional Residual Subspaces, "
    "arXiv:2508.16929",
    idea="Attention outputs vary in few dimensions; atoms and encoder are initialised within "
    "these.",
    claim="Far fewer dead latents on attention outputs than from a random initialisation.",
    source_of_defaults="The subspace holds 99 percent of the variance, as in the abstract. There "
    "is no aux-k, because the initialisation prevents dead latents; add the term to have both.",
    cost="As TopK, and one eigendecomposition of d_in by d_in at the start.",
    system=165,
)
def active_subspace(d_in: int, width: int, k: int = 32, variance: float = 0.99) -> Dictionary:
    """`variance`: fraction of the variance that the subspace holds."""
    return Dictionary(
        LinearEncoder(d_in, width),
        TopK(k),
        ActiveSubspaceDecoder(width, d_in, variance=variance),
        Objective([MSE()]),
    )
