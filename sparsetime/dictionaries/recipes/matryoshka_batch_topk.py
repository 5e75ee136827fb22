"""Matryoshka BatchTopK SAE: nested prefixes of latents, each a dictionary."""

from sparsetime.dictionaries.decoders import UnitNormDecoder, prefix_ends
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import AuxK, NestedMSE, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import BatchTopK


@recipe(
    "matryoshka_batch_topk",
    title="Matryoshka BatchTopK SAE",
    paper="Bussmann et al. 2025, Learning Multi-Level Features with Matryoshka Sparse "
    "Autoencoders, arXiv:2503.17547",
    idea="The first latents must reconstruct the activation alone, which keeps them general.",
    claim="Less feature absorption and splitting than BatchTopK, at some cost in error.",
    source_of_defaults="The paper's five prefixes, each twice the one before.",
    cost="As TopK plus one reconstruction for every group.",
    system=194,
)
def matryoshka_batch_topk(
    d_in: int,
    width: int,
    k: int = 32,
    fractions: tuple[float, ...] = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0),
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`fractions`: the ends of the nested prefixes, as fractions of the width; the last is 1."""
    return Dictionary(
        LinearEncoder(d_in, width),
        BatchTopK(k),
        UnitNormDecoder(width, d_in, prefix_ends(width, fractions)),
        Objective([NestedMSE(), AuxK(aux_k, aux_weight)]),
    )
