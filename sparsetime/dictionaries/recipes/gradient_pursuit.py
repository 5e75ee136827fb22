"""Gradient pursuit SAE: all activation values move along the gradient in every iteration."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import GradientPursuitEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "gradient_pursuit",
    title="Gradient pursuit SAE",
    paper="Blumensath, Davies 2008, Gradient Pursuits; for language models Smith 2024, Replacing "
    "SAE Encoders with Inference-Time Optimisation",
    idea="Encode in k iterations, each of which selects the best atom and moves the values of all "
    "selected atoms along the gradient of the error.",
    claim="Lower error than matching pursuit at equal k, for little more computation.",
    source_of_defaults="Those of MP-SAE, so that the two differ in the pursuit alone.",
    cost="As MP-SAE: k selection products, and small products of the atoms that a row selects.",
)
def gradient_pursuit(
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
        GradientPursuitEncoder(d_in, width),
        TopK(k),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
    )
