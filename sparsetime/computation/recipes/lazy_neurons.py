"""Top-k MLPs: the largest neurons of every step."""

from sparsetime.computation.activation_plan import ActivationPlan
from sparsetime.computation.recipes.card import recipe


@recipe(
    "lazy_neurons",
    title="Top-k neurons",
    paper="Li et al. 2023, The Lazy Neuron Phenomenon: On Emergence of Activation Sparsity in "
    "Transformers, arXiv:2210.06313",
    idea="Of the neurons of each MLP the k largest of a step are kept.",
    claim="Trained transformers use few neurons; top-k keeps accuracy and improves calibration.",
    source_of_defaults="k follows from the sparsity.",
    cost="A forward pass over the calibration data, for the report alone.",
    system=68,
)
def lazy_neurons() -> ActivationPlan:
    """No settings: the sparsity decides."""
    return ActivationPlan("neurons", "largest")
