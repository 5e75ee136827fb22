"""Mutual Choice SAE: one budget for rows and latents, with an auxiliary loss by Zipf's law."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, Objective
from sparsetime.dictionaries.objectives.aux_zipf import AuxZipf
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import BatchTopK


@recipe(
    "mutual_choice",
    title="Mutual Choice SAE",
    paper="Ayonrinde 2024, Adaptive Sparse Allocation with Mutual Choice & Feature Choice Sparse "
    "Autoencoders, arXiv:2411.02124",
    idea="The largest entries of a batch are kept, of any row and latent (as in BatchTopK), and "
    "latents that fire less than Zipf's law predicts reconstruct the residual.",
    claim="Lower error than TopK at the same mean L0.",
    source_of_defaults="Those of TopK; the law and the fraction of it below which a latent is "
    "underused were chosen here.",
    cost="As BatchTopK; the auxiliary loss has more latents to select from.",
    system=34,
)
def mutual_choice(
    d_in: int,
    width: int,
    k: int = 32,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
    exponent: float = 1.0,
    share: float = 0.1,
) -> Dictionary:
    """`exponent`: of Zipf's law; `share`: fraction of it below which a latent is underused."""
    return Dictionary(
        LinearEncoder(d_in, width),
        BatchTopK(k),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), AuxZipf(width, aux_k, exponent, share, aux_weight)]),
    )
