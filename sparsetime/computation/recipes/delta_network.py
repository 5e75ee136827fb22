"""Delta networks: changes below a threshold are not passed on."""

from sparsetime.computation.recipes.card import recipe
from sparsetime.computation.time_plan import TimePlan


@recipe(
    "delta_network",
    title="Delta networks",
    paper="Neil et al. 2017, Delta Networks for Optimized Recurrent Network Computation, "
    "arXiv:1612.05571",
    idea="A map's input is held until it has changed by more than a threshold, and only changes "
    "are multiplied.",
    claim="Five to ten times fewer operations of recurrent networks at little loss.",
    source_of_defaults="Section 3: one threshold a map, by the share that is to be left out; here "
    "in front of every linear map.",
    cost="A forward pass over the calibration data, and 24 passes of the rule over its inputs.",
)
def delta_network() -> TimePlan:
    """No settings: the sparsity decides."""
    return TimePlan("delta")
