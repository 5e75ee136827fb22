"""Gradient pursuit SAE: in every turn all strengths so far go along the gradient."""

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
    idea="Encode in k turns, each of which takes the best atom and moves the strengths of all "
    "atoms taken along the gradient of the error.",
    claim="Leaves less unexplained than matching pursuit at equal k, for little more work.",
    source_of_defaults="Those of MP-SAE, so that the two differ in the pursuit alone.",
    cost="As MP-SAE: k selection products, and small products of the atoms that a row takes.",
)
def gradient_pursuit(
    d_in: int,
    width: int,
    k: int = 32,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`k`: turns of the pursuit; `aux_k`: dead latents that explain the residual; None takes
    d_in / 2.
    """
    return Dictionary(
        GradientPursuitEncoder(d_in, width),
        TopK(k),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
    )
