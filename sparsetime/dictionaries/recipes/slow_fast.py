"""Slow/fast SAE: total variation on a first group of latents."""

from sparsetime.dictionaries.decoders import UnitNormDecoder, prefix_ends
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import AuxK, NestedMSE, Objective
from sparsetime.dictionaries.objectives.total_variation import TotalVariation
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import BatchTopK


@recipe(
    "slow_fast",
    title="Slow/fast SAE",
    paper="This library's; the penalty is that of the fused lasso, Tibshirani et al. 2005, "
    "Sparsity and smoothness via the fused lasso, JRSS B 67",
    idea="The slow group of latents is penalised for the share of its activation that changes at a "
    "step, and must reconstruct the activation alone, so it encodes what lasts.",
    claim="One weight traces the frontier between the flicker of the slow group and the error.",
    source_of_defaults="Ours; the claim `slow_fast` traces the frontier.",
    cost="As a Matryoshka dictionary of two groups.",
)
def slow_fast(
    d_in: int,
    width: int,
    k: int = 32,
    slow: float = 0.2,
    variation: float = 0.3,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`slow`: fraction of latents in the slow group; `variation`: weight of its total variation."""
    return Dictionary(
        LinearEncoder(d_in, width),
        BatchTopK(k),
        UnitNormDecoder(width, d_in, prefix_ends(width, (slow, 1.0))),
        Objective([NestedMSE(), TotalVariation(variation), AuxK(aux_k, aux_weight)]),
    )
