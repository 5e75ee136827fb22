"""Adaptive temporal masking (ATM): random masking of unimportant latents in training."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import L1, MSE, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers.importance_dropout import ImportanceDropout


@recipe(
    "atm",
    title="Adaptive Temporal Masking (ATM)",
    paper="Li, Ren 2025, Time-Aware Feature Selection: Adaptive Temporal Masking for Stable Sparse "
    "Autoencoder Training, arXiv:2510.08855",
    idea="Running averages of activation value, frequency and share in the reconstruction measure "
    "the importance of a latent; unimportant latents are masked at random in training.",
    claim="Rare features absorb common ones less than with TopK and JumpReLU, at the same L0 and "
    "error.",
    source_of_defaults="Threshold and probability of the mask follow accounts of the paper. The "
    "combination of the three scores, the numbers, and mean values in inference are our reading.",
    cost="As TopK once codes are sparse; more before, because more latents are active.",
    system=131,
)
def atm(
    d_in: int,
    width: int,
    l1: float = 0.1,
    rate: float = 0.5,
    spread: float = 1.0,
) -> Dictionary:
    """`rate`: probability of masking, 0 for none; `spread`: the threshold of importance, in
    standard deviations above the mean over latents; `l1`: weight of the sparsity penalty.
    """
    return Dictionary(
        LinearEncoder(d_in, width),
        ImportanceDropout(width, rate, spread),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), L1(l1)]),
    )
