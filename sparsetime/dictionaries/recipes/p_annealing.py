"""ReLU SAE with p-annealing: an L_p penalty from L1 towards a count."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, Objective
from sparsetime.dictionaries.objectives.annealed_lp import AnnealedLp
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import ReLU


@recipe(
    "p_annealing",
    title="ReLU SAE with p-annealing",
    paper="Karvonen et al. 2024, Measuring Progress in Dictionary Learning for Language Model "
    "Interpretability with Board Game Models, arXiv:2408.00113",
    idea="The penalty is the p-th power of activation values, and p falls from 1 in training: "
    "convex at first, near a count of latents at the end.",
    claim="Lower error than ReLU with L1 at the same L0.",
    source_of_defaults="The penalty's value is kept as p falls, as in the paper; its weight and "
    "the time of the fall were chosen here.",
    cost="As ReLU with L1: many times TopK while half of all latents are active, as TopK later.",
)
def p_annealing(
    d_in: int, width: int, lp: float = 0.05, last: float = 0.2, begin: float = 0.2
) -> Dictionary:
    """`lp`: weight of the penalty; `last`: the power at the end; `begin`: when it starts to fall,
    as a fraction of the training.
    """
    return Dictionary(
        LinearEncoder(d_in, width),
        ReLU(),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), AnnealedLp(lp, last, begin)]),
    )
