"""Bilinear autoencoder: latents that are quadratic forms of the activation."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import BilinearEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "bilinear",
    title="Bilinear autoencoder",
    paper="Dooms, Gauderis 2025, Finding Manifolds With Bilinear Autoencoders, arXiv:2510.16820",
    idea="A latent is the product of two affine functions: a quadratic polynomial, which can be "
    "read from the weights without any input.",
    claim="The weights of a latent determine its response, from lines to curved manifolds; circles "
    "are reconstructed better than by as many linear latents.",
    source_of_defaults="TopK and aux-k are those of TopK, chosen here. The paper reconstructs the "
    "outer product of the activation with itself; here it is the activation, so that codes decode "
    "like all others.",
    cost="Two dense products instead of one, in float32, without selection in lower precision.",
    system=145,
)
def bilinear(
    d_in: int,
    width: int,
    k: int = 32,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`aux_k`: dead latents that reconstruct the residual; None as in `AuxK`."""
    return Dictionary(
        BilinearEncoder(d_in, width),
        TopK(k),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
    )
