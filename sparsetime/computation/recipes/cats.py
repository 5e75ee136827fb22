"""CATS: neurons left out whose gate is small."""

from sparsetime.computation.activation_plan import ActivationPlan
from sparsetime.computation.recipes.card import recipe


@recipe(
    "cats",
    title="CATS",
    paper="Lee et al. 2024, CATS: Contextually-Aware Thresholding for Sparsity in Large Language "
    "Models, arXiv:2404.08763",
    idea="The gate of a gated MLP is computed first; where it is small, the neuron is left out.",
    claim="50% of neurons without fine-tuning, within 1 to 2% of the dense model's accuracy.",
    source_of_defaults="Section 4: the threshold is a percentile of the gate's magnitude.",
    cost="A forward pass over the calibration data.",
    system=97,
)
def cats() -> ActivationPlan:
    """No settings: the sparsity decides."""
    return ActivationPlan("gate", "threshold")
