"""Spikes in front of every linear map."""

from sparsetime.computation.recipes.card import recipe
from sparsetime.computation.time_plan import TimePlan


@recipe(
    "integrate_and_fire",
    title="Integrate and fire",
    paper="Rueckauer et al. 2017, Conversion of Continuous-Valued Deep Networks to Efficient "
    "Event-Driven Networks for Image Classification",
    idea="Inputs add up to a potential, which passes a spike of one size and is lowered by it.",
    claim="Nearly the accuracy of the converted network, with few operations an input.",
    source_of_defaults="Section 2.2: reset by subtraction, without a leak; spikes have a sign "
    "here, as inputs do, and their size is set by the share of silent inputs.",
    cost="A forward pass over the calibration data, and 24 passes of the rule over its inputs.",
)
def integrate_and_fire(leak: float = 1.0) -> TimePlan:
    """`leak`: share of a potential that is left at the next step."""
    return TimePlan({"kind": "spikes", "leak": leak})
