"""Relaxed archetypal SAE (RA-SAE): atoms near the convex hull of data."""

from sparsetime.dictionaries.decoders import ArchetypalDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "relaxed_archetypal",
    title="Relaxed archetypal SAE (RA-SAE)",
    paper="Fel et al. 2025, Archetypal SAE: Adaptive and Stable Dictionary Learning for Concept "
    "Extraction in Large Vision Models, arXiv:2502.12892",
    idea="Every atom is a convex mixture of cluster centres of the data plus a vector of bounded "
    "norm.",
    claim="Atoms from two seeds are more similar than with TopK, at comparable error.",
    source_of_defaults="TopK and aux-k are those of TopK; points and relaxation were chosen here.",
    cost="TopK plus one product of width by points by d_in for every use of the atoms.",
    system=162,
)
def relaxed_archetypal(
    d_in: int,
    width: int,
    k: int = 32,
    points: int = 256,
    relaxation: float = 0.5,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`points`: cluster centres of the first batch that atoms are mixtures of; `relaxation`:
    bound on the distance of an atom from its mixture, in units of the normalised activation.
    """
    return Dictionary(
        LinearEncoder(d_in, width),
        TopK(k),
        ArchetypalDecoder(width, d_in, points=points, relaxation=relaxation),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
    )
