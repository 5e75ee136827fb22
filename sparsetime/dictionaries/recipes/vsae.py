"""Variational SAE (vSAE): sampled activation values with a Gaussian prior."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.objectives.gaussian_kl import GaussianKL
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers.variational_top_k import VariationalTopK


@recipe(
    "vsae",
    title="Variational SAE (vSAE)",
    paper="Baker, Li 2025, Analysis of Variational Sparse Autoencoders, arXiv:2509.22994",
    idea="Sample the values of the k kept latents from learnt Gaussians, with a KL divergence from "
    "a standard normal prior.",
    claim="A negative result: a larger weight of the prior leaves more dead latents and a "
    "higher error than TopK.",
    source_of_defaults="Written from the abstract: one learnt deviation for each latent, and the "
    "prior on kept latents alone; weight and initial deviation were chosen here.",
    cost="As TopK plus one sample for every kept latent.",
    system=16,
)
def vsae(
    d_in: int,
    width: int,
    k: int = 32,
    kl: float = 1e-3,
    deviation: float = 0.05,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`kl`: weight of the divergence from the prior; `deviation`: initial standard deviation."""
    return Dictionary(
        LinearEncoder(d_in, width),
        VariationalTopK(width, k, deviation),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), GaussianKL(kl), AuxK(aux_k, aux_weight)]),
    )
