"""Contrastive sparse representation (CSR): sparse codes of embeddings for retrieval."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.objectives.multi_top_k import MultiTopK
from sparsetime.dictionaries.objectives.temporal_contrastive import TemporalContrastive
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "csr",
    title="Contrastive sparse representation (CSR)",
    paper="Wen et al. 2025, Beyond Matryoshka: Revisiting Sparse Coding for Adaptive "
    "Representation, arXiv:2503.01776",
    idea="A wide code of a frozen embedding with few active latents, trained to identify the code "
    "of a related row among others.",
    claim="With 8 to 32 active latents, nearest neighbours are better than those of embeddings "
    "cut to as many dimensions.",
    source_of_defaults="The errors at k and 4k and aux-k are the paper's; the contrast is over "
    "cosines of pairs, with weight and temperature chosen here.",
    cost="About three times TopK: the partner is encoded too, and the code at 4k.",
    system=152,
)
def csr(
    d_in: int,
    width: int,
    k: int = 32,
    contrast: float = 0.1,
    temperature: float = 0.1,
    contrast_block: int = 512,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`contrast` and `temperature`: weight and temperature of the contrastive loss;
    `contrast_block`: rows that are contrasted with each other. Each row's partner is given as
    `earlier`.
    """
    return Dictionary(
        LinearEncoder(d_in, width),
        TopK(k),
        UnitNormDecoder(width, d_in),
        Objective(
            [
                MSE(),
                MultiTopK(),
                TemporalContrastive(contrast, contrast_block, temperature),
                AuxK(aux_k, aux_weight),
            ]
        ),
    )
