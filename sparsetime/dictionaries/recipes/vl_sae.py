"""VL-SAE: one set of latents for two modalities."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import DistanceEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "vl_sae",
    title="VL-SAE",
    paper="Shen et al. 2025, VL-SAE: Interpreting and Enhancing Vision-Language Alignment with a "
    "Unified Concept Set, arXiv:2510.21323",
    idea="A latent is active near its point of the sphere, so that matching rows of two modalities "
    "share latents; each modality has its own decoder.",
    claim="Matching pairs of two modalities share more active latents than under a standard SAE, "
    "and far more than mismatched pairs.",
    source_of_defaults="TopK and aux-k are those of TopK. Written from the abstract and summaries; "
    "here a row of either modality reconstructs both of its pair, where the paper's reconstructs "
    "its own.",
    cost="As TopK with a target twice as wide; every distance is computed in float32.",
    system=53,
)
def vl_sae(
    d_in: int,
    width: int,
    k: int = 32,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """Rows of both modalities, in a shared space, have one encoder. The target joins the pair:
    `{"x": [rows, d_in], "target": [rows, 2 * d_in]}`.
    """
    return Dictionary(
        DistanceEncoder(d_in, width),
        TopK(k),
        UnitNormDecoder(width, 2 * d_in),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
        out_dims=(d_in, d_in),
    )
