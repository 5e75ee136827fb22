"""HierarchicalTopK SAE: one dictionary for every k up to a maximum."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.objectives.multi_k_mse import MultiKMSE
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "hierarchical_topk",
    title="HierarchicalTopK SAE",
    paper="Balagansky et al. 2025, Train One Sparse Autoencoder Across Multiple Sparsity Budgets "
    "to Preserve Interpretability and Accuracy, arXiv:2505.24473",
    idea="The largest j latents must reconstruct the activation alone, for every j up to k.",
    claim="At every k about as good as a TopK dictionary trained for that k, and better than one "
    "trained for another.",
    source_of_defaults="Every budget from 1 to k has the same weight; written from the abstract.",
    cost="As TopK plus k reconstructions instead of one, and their memory; `every` reduces their "
    "number.",
    system=141,
)
def hierarchical_topk(
    d_in: int,
    width: int,
    k: int = 32,
    every: int = 1,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`every`: stride of the budgets: 1 for all, 4 for 4, 8, 12, ... and k.

    To encode with fewer latents, set another sparsifier: `sae.sparsifier = TopK(8)`.
    """
    budgets = tuple(range(max(1, every), k, max(1, every)))
    reconstruction = MultiKMSE(budgets) if budgets else MSE()
    return Dictionary(
        LinearEncoder(d_in, width),
        TopK(k),
        UnitNormDecoder(width, d_in),
        Objective([reconstruction, AuxK(aux_k, aux_weight)]),
    )
