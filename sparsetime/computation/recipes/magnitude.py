"""One-shot magnitude pruning."""

from typing import Any, Literal

from sparsetime.computation.recipes.card import recipe
from sparsetime.computation.weight_plan import WeightPlan


@recipe(
    "magnitude",
    title="Magnitude pruning",
    paper="Jaiswal et al. 2023, The Emergence of Essential Sparsity in Large Pre-trained Models, "
    "arXiv:2306.03805; Han et al. 2015, arXiv:1506.02626",
    idea="The smallest weights of a trained model are left out, once and without data.",
    claim="Harmless up to a knee, the essential sparsity, behind which performance drops sharply.",
    source_of_defaults="The paper prunes without structure, with one threshold for all matrices; "
    "here every matrix has the same sparsity, which language models are usually pruned with.",
    cost="The unit of the costs of other plans: a sort of every matrix.",
    system=61,
)
def magnitude(
    structure: str | dict[str, Any] = "free",
    distribution: Literal["uniform", "erk", "global"] = "uniform",
) -> WeightPlan:
    """`structure`, `distribution`: components by kind, or kind with settings."""
    return WeightPlan("magnitude", structure, distribution)
