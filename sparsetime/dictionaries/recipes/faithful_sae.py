"""FaithfulSAE: training on text that the model generates itself."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "faithful_sae",
    title="FaithfulSAE",
    paper="Cho et al. 2025, FaithfulSAE: Towards Capturing Faithful Features with Sparse "
    "Autoencoders without External Dataset Dependencies, arXiv:2506.17673",
    idea="Train on text that the model sampled itself: sparsetime.sample_documents(model, count) "
    "gives documents to capture, without any external data.",
    claim="Features that match across seeds more often, and fewer that fire on noise, than those "
    "learnt from external text.",
    source_of_defaults="Those of TopK; samples are the model's own from its beginning token alone, "
    "at temperature 1.",
    cost="As TopK, and the sampling before it.",
    system=211,
)
def faithful_sae(
    d_in: int,
    width: int,
    k: int = 32,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """The components are those of TopK; only the data given to `capture` differ."""
    return Dictionary(
        LinearEncoder(d_in, width),
        TopK(k),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
    )
