"""KronSAE: an encoder of pairs of base and extension directions."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import KroneckerEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "kron_sae",
    title="KronSAE",
    paper="Kurochkin et al. 2025, Train Sparse Autoencoders Efficiently by Utilizing Features "
    "Correlation, arXiv:2505.22255",
    idea="A latent is the soft AND of one of a few base directions and one of a few extension "
    "directions, so that the encoder needs fewer directions than there are latents.",
    claim="Explained variance no worse than TopK's with far fewer encoder parameters, and no "
    "latent that fires unless both of its directions do.",
    source_of_defaults="Heads of 4 by 4, which halve the encoder, were chosen here; aux-k is that "
    "of TopK.",
    cost="Less than TopK's in products; but every pre-activation is computed, with a square root.",
    system=159,
)
def kron_sae(
    d_in: int,
    width: int,
    k: int = 32,
    base: int = 4,
    extension: int = 4,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`base`, `extension`: directions of each kind in a head, whose products divide the width."""
    return Dictionary(
        KroneckerEncoder(d_in, width, base, extension),
        TopK(k),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
    )
