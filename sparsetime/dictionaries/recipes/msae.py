"""Matryoshka SAE over sparsity levels (MSAE)."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.objectives.multi_k_mse import MultiKMSE
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "msae",
    title="Matryoshka SAE over sparsity levels (MSAE)",
    paper="Zaigrajew, Baniecki, Biecek 2025, Interpreting CLIP with Hierarchical Sparse "
    "Autoencoders, arXiv:2502.20578",
    idea="One dictionary is trained at several sparsity levels at once: the largest latents of a "
    "row are coarse features, later ones are finer.",
    claim="Its curve of error against L0 lies below those of TopK and ReLU dictionaries.",
    source_of_defaults="Levels double up to k and have one weight; written from the abstract.",
    cost="As TopK plus one reconstruction for every level.",
    system=198,
)
def msae(
    d_in: int,
    width: int,
    k: int = 64,
    least: int = 2,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`least`: the smallest level; each next one is its double, and the last is k.

    To encode at another level, set another sparsifier: `sae.sparsifier = TopK(8)`.
    """
    levels = tuple(least * 2**n for n in range(k.bit_length()) if least * 2**n < k)
    reconstruction = MultiKMSE(levels) if levels else MSE()
    return Dictionary(
        LinearEncoder(d_in, width),
        TopK(k),
        UnitNormDecoder(width, d_in),
        Objective([reconstruction, AuxK(aux_k, aux_weight)]),
    )
