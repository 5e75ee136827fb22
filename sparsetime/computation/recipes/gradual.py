"""Gradual magnitude pruning."""

from typing import Any

from sparsetime.computation.recipes.card import recipe
from sparsetime.computation.weight_plan import WeightPlan


@recipe(
    "gradual",
    title="Gradual magnitude pruning",
    paper="Zhu and Gupta 2017, To prune, or not to prune, arXiv:1710.01878",
    idea="Sparsity rises during training by a cubic schedule, so that the rest adapts.",
    claim="Large pruned models reach lower loss than small dense ones with as many weights.",
    source_of_defaults="The cubic schedule of equation 1, with the same sparsity in every matrix. "
    "`steps` and `every` are the user's: the paper takes a large part of training.",
    cost="A sort of every matrix at each update; training costs as that of the dense model.",
    system=46,
)
def gradual(
    steps: int = 1000, begin: int = 0, every: int = 10, structure: str | dict[str, Any] = "free"
) -> WeightPlan:
    """`steps`: at which the final sparsity is reached; `begin`, `every`: as in the schedule."""
    schedule = {"kind": "gradual", "steps": steps, "begin": begin, "every": every}
    return WeightPlan("magnitude", structure, schedule=schedule)
