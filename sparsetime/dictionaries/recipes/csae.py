"""Contrastive SAE (CSAE): shared and private latents of pairs of branches."""

from sparsetime.dictionaries.decoders import UnitNormDecoder, prefix_ends
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.objectives.shared_private import SharedPrivate
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "csae",
    title="Contrastive SAE (CSAE)",
    paper="Poupart 2024, Contrastive Sparse Autoencoders for Interpreting Planning of "
    "Chess-Playing Agents, arXiv:2406.04028",
    idea="Train on pairs with a common past: the first latents encode what both rows share, "
    "the others what is in one of them alone.",
    claim="On pairs of branches from one state, the contrastive latents predict the branch and the "
    "common ones do not.",
    source_of_defaults="Written from the abstract: the formula, its weight and the halves are "
    "chosen here.",
    cost="About twice TopK, because the partner is encoded too.",
    system=173,
)
def csae(
    d_in: int,
    width: int,
    k: int = 32,
    common: float = 0.5,
    contrast: float = 0.3,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`common`: fraction of latents for what a pair has in common; `contrast`: weight of the term
    that separates both groups. Each row's partner is given as `earlier`.
    """
    return Dictionary(
        LinearEncoder(d_in, width),
        TopK(k),
        UnitNormDecoder(width, d_in, prefix_ends(width, (common, 1.0))),
        Objective([MSE(), SharedPrivate(contrast), AuxK(aux_k, aux_weight)]),
    )
