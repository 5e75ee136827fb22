"""Onset SAE: latents of what lasts and of what begins."""

from sparsetime.dictionaries.decoders.shared_pairs import SharedPairDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders.onset import OnsetEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "onset",
    title="Onset SAE",
    paper="This library's; responses to an onset are Hartline 1938, The response of single optic "
    "nerve fibers, American Journal of Physiology 121. The features are those of Gao et al. 2024, "
    "arXiv:2406.04093",
    idea="The value of a feature is split into what lasts since the step before and what is new, "
    "so that the beginning of any feature is a latent of its own.",
    claim="Whether a hidden mode has just changed is read linearly from its codes, and not from "
    "those of TopK or of the window crosscoder.",
    source_of_defaults="As TopK; half of the width is the number of features.",
    cost="As TopK of half the width, and a comparison of neighbouring codes.",
)
def onset(
    d_in: int,
    width: int,
    k: int = 32,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`k`: active features a step; a feature that grows has both of its latents active."""
    return Dictionary(
        OnsetEncoder(d_in, width),
        TopK(k),
        SharedPairDecoder(width, d_in),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
    )
