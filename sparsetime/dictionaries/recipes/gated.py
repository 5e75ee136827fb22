"""Gated SAE: separate gates and magnitudes."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, Objective
from sparsetime.dictionaries.objectives.gate_l1 import GateL1
from sparsetime.dictionaries.objectives.gate_mse import GateMSE
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import Gated


@recipe(
    "gated",
    title="Gated SAE",
    paper="Rajamanoharan et al. 2024, Improving Dictionary Learning with Gated Sparse "
    "Autoencoders, arXiv:2404.16014",
    idea="L1 penalises the gates, which decide which latents are active, and not the magnitudes.",
    claim="No shrinkage of activation values, and lower error than ReLU with L1 at equal L0.",
    source_of_defaults="The sum of the three terms is the paper's; the weight of L1 was chosen "
    "here for activations of unit spread.",
    cost="Many times TopK early in training, when half of all gates are open; later as TopK plus "
    "one more decoding.",
)
def gated(d_in: int, width: int, l1: float = 0.1) -> Dictionary:
    """`l1`: weight of the gates' penalty against a reconstruction error of about 1 at the start."""
    return Dictionary(
        LinearEncoder(d_in, width),
        Gated(width),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), GateL1(l1), GateMSE()]),
    )
