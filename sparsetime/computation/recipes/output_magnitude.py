"""Neurons left out that write a short vector."""

from sparsetime.computation.activation_plan import ActivationPlan
from sparsetime.computation.recipes.card import recipe


@recipe(
    "output_magnitude",
    title="Neurons by output magnitude",
    paper="Zhang et al. 2024, ReLU^2 Wins: Discovering Efficient Activation Functions for Sparse "
    "LLMs, arXiv:2402.03804",
    idea="A neuron is inactive where its vector is short, whatever its nonlinearity.",
    claim="Of ReLU, SwiGLU, ReGLU and ReLU^2, the last has the most inactive neurons.",
    source_of_defaults="One threshold for each layer, at a quantile; the paper searches it by an "
    "error of the layer's output.",
    cost="A forward pass over the calibration data.",
    system=222,
)
def output_magnitude() -> ActivationPlan:
    """No settings: the sparsity decides."""
    return ActivationPlan("neuron_outputs", "threshold")
