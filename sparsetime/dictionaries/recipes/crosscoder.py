"""Crosscoder: one code for several sites."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, Objective
from sparsetime.dictionaries.objectives.site_l1 import SiteL1
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import ReLU
from sparsetime.errors import ConfigError


@recipe(
    "crosscoder",
    title="Crosscoder",
    paper="Lindsey et al. 2024, Sparse Crosscoders for Cross-Layer Features and Model Diffing",
    idea="Read and reconstruct several sites at once with one code, so that a feature that "
    "persists through layers is one latent.",
    claim="Features shared by layers or models are found once, and the norms of atoms distinguish "
    "those of one site alone.",
    source_of_defaults="The weight of L1 was chosen here for activations of unit spread.",
    cost="As ReLU with L1, on as many dimensions as the sites have together.",
)
def crosscoder(d_in: int, width: int, sites: int = 2, l1: float = 0.05) -> Dictionary:
    """`sites`: number of sites of one size that `d_in` joins; `l1`: weight of the penalty.

    `sparsetime.paired_sites(x=[store, other])` gives the joined activations.
    """
    if sites < 1 or d_in % sites:
        raise ConfigError(
            f"got d_in={d_in} and sites={sites}, expected d_in to be the joint dimension of sites "
            "of one size"
        )
    return Dictionary(
        LinearEncoder(d_in, width),
        ReLU(),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), SiteL1(l1)]),
        in_dims=(d_in // sites,) * sites,
    )
