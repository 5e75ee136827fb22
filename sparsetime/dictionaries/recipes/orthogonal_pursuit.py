"""Orthogonal matching pursuit SAE: all activation values are refitted in every iteration."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import OrthogonalPursuitEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "orthogonal_pursuit",
    title="Orthogonal matching pursuit SAE",
    paper="Pati, Rezaiifar, Krishnaprasad 1993, Orthogonal Matching Pursuit: Recursive Function "
    "Approximation with Applications to Wavelet Decomposition",
    idea="Encode in k iterations, each of which selects the best atom and solves for the values of "
    "all selected atoms.",
    claim="Lower error than matching pursuit and gradient pursuit at equal k.",
    source_of_defaults="Those of MP-SAE, so that the two differ in the pursuit alone.",
    cost="As MP-SAE and a small linear system for every row and iteration: many times TopK.",
)
def orthogonal_pursuit(
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
        OrthogonalPursuitEncoder(d_in, width),
        TopK(k),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
    )
