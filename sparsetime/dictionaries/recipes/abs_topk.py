"""AbsTopK SAE: one latent for both directions of a concept."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import AbsTopK


@recipe(
    "abs_topk",
    title="AbsTopK SAE",
    paper="Zhu, Khalili, Zhu 2025, AbsTopK: Rethinking Sparse Autoencoders For Bidirectional "
    "Features, arXiv:2510.00404",
    idea="Keep the k latents of largest magnitude, of either sign, so that one latent represents "
    "both opposites of a concept.",
    claim="Lower error than TopK at equal k, and single latents whose sign separates opposites.",
    source_of_defaults="Aux-k is that of TopK; the abstract names no settings.",
    cost="As TopK.",
    system=9,
)
def abs_topk(
    d_in: int,
    width: int,
    k: int = 32,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`aux_k`: dead latents that reconstruct the residual; None as in `AuxK`."""
    return Dictionary(
        LinearEncoder(d_in, width),
        AbsTopK(k),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
    )
