"""JumpReLU SAE: a learnt threshold for every latent."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import L0, MSE, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import JumpReLU

# Codes begin with this many times the target, and fall to it.
_FIRST = 2


@recipe(
    "jumprelu",
    title="JumpReLU SAE",
    paper="Rajamanoharan et al. 2024, Jumping Ahead, arXiv:2407.14435",
    idea="A latent is active above its own learnt threshold; straight-through gradients train L0.",
    claim="Error at a given L0 as low as TopK's or lower, with an encoder that needs no sorting.",
    source_of_defaults="Bandwidth and threshold were chosen here for activations of unit spread; "
    "the target instead of a penalty weight is the paper's variant.",
    cost="As TopK once the target L0 is reached; more before: codes begin with twice as many.",
    system=151,
)
def jumprelu(
    d_in: int,
    width: int,
    l0: float = 32.0,
    l0_weight: float = 0.1,
    threshold: float = 0.1,
    bandwidth: float = 0.05,
) -> Dictionary:
    """`l0`: target of the mean number of active latents (the paper's target variant).

    Thresholds begin where twice as many are active; `threshold` is the one that `bandwidth` is for.
    """
    return Dictionary(
        LinearEncoder(d_in, width),
        JumpReLU(width, threshold, bandwidth, first_l0=_FIRST * l0),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), L0(l0, l0_weight)]),
    )
