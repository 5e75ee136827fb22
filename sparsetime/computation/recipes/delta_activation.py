"""Delta Activation Layer: training for rare changes."""

from sparsetime.computation.recipes.card import recipe
from sparsetime.computation.time_plan import TimePlan


@recipe(
    "delta_activation",
    title="Delta Activation Layer",
    paper="Yousefzadeh and Sifalakis 2021, Training for temporal sparsity in deep neural networks, "
    "application in video processing, arXiv:2107.07305",
    idea="Changes of activations below a threshold are not passed on, and training makes the "
    "others rare.",
    claim="Almost three times the zeros on video; longer training recovers the loss of accuracy.",
    source_of_defaults="Section 3: an L1 penalty of the changes; the paper rounds activations to "
    "learnt steps, here a threshold holds them.",
    cost="A loop over the steps of a sequence at each map, in training too.",
    system=26,
)
def delta_activation(threshold: float = 0.1, pressure: float = 1e-3) -> TimePlan:
    """`threshold`: of a change. `pressure`: weight of the penalty of changes."""
    return TimePlan({"kind": "delta", "threshold": threshold, "pressure": pressure})
