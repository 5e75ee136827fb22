"""AdaptiveK SAE: the number of active latents depends on the complexity of the input."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers.adaptive_k import AdaptiveK


@recipe(
    "adaptive_k",
    title="AdaptiveK SAE",
    paper="Yao, Du 2025, AdaptiveK Sparse Autoencoders: Dynamic Sparsity Allocation for "
    "Interpretable LLM Representations, arXiv:2508.17320",
    idea="A linear probe of the activation predicts the complexity of the input, and complex rows "
    "keep more latents.",
    claim="Lower error than TopK at the same mean L0.",
    source_of_defaults="The paper goes from a quarter to four times its base k; here the range is "
    "symmetric around k, so that the mean L0 is near k.",
    cost="As TopK with the largest k of a batch, and a small regression every few steps.",
    system=138,
)
def adaptive_k(
    d_in: int,
    width: int,
    k: int = 32,
    spread: float = 0.75,
    steepness: float = 1.5,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`spread`: largest deviation of a row's k, as a fraction of k; `steepness`: its slope."""
    return Dictionary(
        LinearEncoder(d_in, width),
        AdaptiveK(d_in, k, spread, steepness),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
    )
