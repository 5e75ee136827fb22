"""Multi-TopK SAE: reconstruction with k and with a multiple of k latents."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.objectives.multi_top_k import MultiTopK
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "multi_topk",
    title="Multi-TopK SAE",
    paper="Gao et al. 2024, Scaling and evaluating sparse autoencoders, arXiv:2406.04093",
    idea="TopK with a second reconstruction error, at four times k latents.",
    claim="The error does not rise when more latents are kept than in training, where that of TopK "
    "does.",
    source_of_defaults="The paper's 4k with weight 1/8, and TopK's aux-k.",
    cost="About twice TopK.",
    system=135,
)
def multi_topk(
    d_in: int,
    width: int,
    k: int = 32,
    times: int = 4,
    multi_weight: float = 1 / 8,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`times`, `multi_weight`: latents of the second error, in multiples of k, and its weight."""
    return Dictionary(
        LinearEncoder(d_in, width),
        TopK(k),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), MultiTopK(times, multi_weight), AuxK(aux_k, aux_weight)]),
    )
