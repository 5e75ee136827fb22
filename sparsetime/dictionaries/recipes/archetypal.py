"""Archetypal SAE (A-SAE): atoms in the convex hull of data."""

from sparsetime.dictionaries.decoders import ArchetypalDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "archetypal",
    title="Archetypal SAE (A-SAE)",
    paper="Fel et al. 2025, Archetypal SAE: Adaptive and Stable Dictionary Learning for Concept "
    "Extraction in Large Vision Models, arXiv:2502.12892",
    idea="Every atom is a convex mixture of cluster centres of the data, so that no atom can "
    "point where there are no data.",
    claim="Training from two seeds finds nearly the same atoms, at some cost in error.",
    source_of_defaults="TopK and aux-k are those of TopK; the number of points was chosen here.",
    cost="TopK plus one product of width by points by d_in for every use of the atoms.",
    system=162,
)
def archetypal(
    d_in: int,
    width: int,
    k: int = 32,
    points: int = 256,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`points`: cluster centres of the first batch that atoms are mixtures of."""
    return Dictionary(
        LinearEncoder(d_in, width),
        TopK(k),
        ArchetypalDecoder(width, d_in, points=points),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
    )
