"""Deja Vu: neurons left out that a low-rank predictor does not expect."""

from sparsetime.computation.activation_plan import ActivationPlan
from sparsetime.computation.recipes.card import recipe


@recipe(
    "deja_vu",
    title="Deja Vu",
    paper="Liu et al. 2023, Deja Vu: Contextual Sparsity for Efficient LLMs at Inference Time, "
    "arXiv:2310.17157",
    idea="A cheap predictor reads the input of an MLP and chooses the neurons that are computed.",
    claim="Contextual sparsity of 85% at equal quality, and 2 times faster inference.",
    source_of_defaults="A low-rank predictor a layer, trained on the neurons of largest output; "
    "the paper also predicts heads, and reads the layer before. Rank and steps are chosen here for "
    "small models.",
    cost="Some hundred steps of a low-rank map a layer.",
    system=171,
)
def deja_vu(rank: int = 48, steps: int = 250) -> ActivationPlan:
    """`rank`: of the predictor; `steps`: of its training on the calibration data."""
    rule = {"kind": "predictor", "rank": rank, "steps": steps}
    return ActivationPlan("neuron_outputs", rule)
