"""TEAL: small activations left out in front of every linear map."""

from sparsetime.computation.activation_plan import ActivationPlan
from sparsetime.computation.recipes.card import recipe


@recipe(
    "teal",
    title="TEAL",
    paper="Liu et al. 2025, Training-Free Activation Sparsity in Large Language Models, "
    "arXiv:2408.14690",
    idea="Small entries of the input of every linear map are left out, without training.",
    claim="40 to 50% of all activations at minimal loss, and decoding up to 1.8 times faster.",
    source_of_defaults="Thresholds at a quantile of calibration data, uniform over all maps; the "
    "paper's greedy search of shares within a block is not done.",
    cost="A forward pass over the calibration data.",
    system=177,
)
def teal() -> ActivationPlan:
    """No settings: the sparsity decides."""
    return ActivationPlan("linear_inputs", "threshold")
