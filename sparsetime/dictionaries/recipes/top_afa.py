"""top-AFA SAE: the norm of the activation determines the number of active latents."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.objectives.norm_match import NormMatch
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers.top_afa import TopAFA


@recipe(
    "top_afa",
    title="top-AFA SAE",
    paper="Lee et al. 2025, Evaluating and Designing Sparse Autoencoders by Approximating "
    "Quasi-Orthogonality, arXiv:2503.24277",
    idea="Latents are added, the largest first, until the norm of the code reaches that of the "
    "activation, so that no k has to be chosen.",
    claim="Error comparable to TopK's at the same mean L0, without a k to tune.",
    source_of_defaults="The aux-k of Gao et al. 2024; the weight of the norms' term and the "
    "bound on a row's latents were chosen here.",
    cost="Selection as TopK with k at the bound; the rest by the resulting L0.",
    system=15,
)
def top_afa(
    d_in: int,
    width: int,
    most: int | None = None,
    match_weight: float = 1 / 32,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`most`: the most latents of a row; None takes the smaller of d_in and half the width.

    `match_weight`: weight of the squared difference of the norms of code and activation.
    """
    bound = max(1, min(d_in, width // 2)) if most is None else most
    return Dictionary(
        LinearEncoder(d_in, width),
        TopAFA(bound),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), NormMatch(match_weight), AuxK(aux_k, aux_weight)]),
    )
