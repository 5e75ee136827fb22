"""Matching pursuit SAE (MP-SAE): an encoder that unrolls matching pursuit."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import MatchingPursuitEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "mp_sae",
    title="Matching pursuit SAE (MP-SAE)",
    paper="Costa et al. 2025, From Flat to Hierarchical: Extracting Sparse Representations with "
    "Matching Pursuit, arXiv:2506.03093",
    idea="Encode in k iterations, each of which subtracts the best atom from the residual, so that "
    "a latent can depend on those before it.",
    claim="Recovers the parents and children of hierarchical concepts that linear encoders miss; "
    "error falls with every further step at inference.",
    source_of_defaults="Aux-k against dead latents is that of TopK; the paper's settings were not "
    "available.",
    cost="k selection products instead of one: many times TopK at large k.",
    system=4,
)
def mp_sae(
    d_in: int,
    width: int,
    k: int = 32,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`k`: iterations of the pursuit; `aux_k`: dead latents that reconstruct the residual; None
    as in `AuxK`.
    """
    return Dictionary(
        MatchingPursuitEncoder(d_in, width),
        TopK(k),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
    )
