"""Feature Choice SAE: every latent chooses the rows in which it is largest."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers.feature_choice import FeatureChoice


@recipe(
    "feature_choice",
    title="Feature Choice SAE",
    paper="Ayonrinde 2024, Adaptive Sparse Allocation with Mutual Choice & Feature Choice Sparse "
    "Autoencoders, arXiv:2411.02124",
    idea="The budget is distributed over latents instead of rows: each keeps the rows of a batch "
    "in which its activation value is largest.",
    claim="Fewer dead latents than TopK at the same mean L0.",
    source_of_defaults="The law of the latents' frequencies was chosen here; the thresholds "
    "for inference without a batch are ours.",
    cost="As TopK once thresholds have converged, with some more entries; the first steps are "
    "dense.",
    system=34,
)
def feature_choice(
    d_in: int,
    width: int,
    k: int = 32,
    zipf: float = 0.5,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`zipf`: exponent of the latents' frequencies by rank; 0 gives all latents the same."""
    return Dictionary(
        LinearEncoder(d_in, width),
        FeatureChoice(width, k, zipf),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
    )
