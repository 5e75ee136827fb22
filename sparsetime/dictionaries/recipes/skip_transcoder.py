"""Skip transcoder: a transcoder with an affine skip connection."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.skip_connections import LinearSkip
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "skip_transcoder",
    title="Skip transcoder",
    paper="Paulo, Shabalin, Belrose 2025, Transcoders Beat Sparse Autoencoders for "
    "Interpretability, arXiv:2501.18823",
    idea="A transcoder with an affine skip connection, which computes the linear part of the "
    "module.",
    claim="Lower error than a transcoder, and latents no less interpretable.",
    source_of_defaults="Those of TopK; the skip connection is initialised at zero, as in the "
    "paper.",
    cost="TopK plus one dense product of d_in by d_out.",
)
def skip_transcoder(
    d_in: int,
    width: int,
    d_out: int | None = None,
    k: int = 32,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`d_out`: dimension of the site that is reconstructed; None takes d_in."""
    out = d_out or d_in
    return Dictionary(
        LinearEncoder(d_in, width),
        TopK(k),
        UnitNormDecoder(width, out),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
        out_dims=(out,),
        skip=LinearSkip(d_in, out),
    )
