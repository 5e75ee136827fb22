"""ReLU SAE with an L1 penalty, the first sparse autoencoder of language models."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import L1, MSE, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import ReLU


@recipe(
    "relu_l1",
    title="ReLU SAE with an L1 penalty",
    paper="Bricken et al. 2023, Towards Monosemanticity",
    idea="Every positive latent is kept, and the sum of activation values is penalised.",
    claim="Features of a language model that people find more meaningful than its neurons.",
    source_of_defaults="The weight of L1 was chosen here for activations of unit spread.",
    cost="Many times TopK early in training, when half of all latents are active; as TopK later.",
)
def relu_l1(d_in: int, width: int, l1: float = 0.05) -> Dictionary:
    """`l1`: weight of the penalty against a reconstruction error of about 1 at the start.

    Early in training half of all latents are active, so its code is not sparse and a step costs
    many times a TopK step.
    """
    return Dictionary(
        LinearEncoder(d_in, width),
        ReLU(),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), L1(l1)]),
    )
