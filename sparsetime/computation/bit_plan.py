"""Plan that rounds weights to few bits: a grid, the group that shares a scale, and its range."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

from torch import Tensor

from sparsetime.components import Described
from sparsetime.computation.applied_plan import AppliedPlan, PlanInput
from sparsetime.computation.bit_grids.bit_grid import BitGrid
from sparsetime.computation.plan import Plan
from sparsetime.errors import ConfigError
from sparsetime.models.load import LoadedModel

_SCALES = ("whole", "least_error")


@final
class BitPlan(Plan):
    """To which values the weights of a matrix are rounded.

        W' = scale_g level[code],  code = nearest level of W / scale_g

    grid: a kind, a kind with settings, or an object. group: the run of inputs of an output that
    share a scale; None for all inputs of an output. scale: "whole" lets the largest entry of a
    group be the largest level; "least_error" takes the scale with the least squared error.
    """

    acts_on = "bits"

    def __init__(
        self, grid: Described = "integer", group: int | None = None, scale: str = "whole"
    ) -> None:
        """Errors: those of the grid's settings; ConfigError for a group below 1, another scale."""
        self.grid: BitGrid = BitGrid.from_description(grid)
        if group is not None and group < 1:
            raise ConfigError(f"got group={group}, expected None or at least 1 input")
        if scale not in _SCALES:
            raise ConfigError(f"got scale={scale!r}, expected one of {', '.join(_SCALES)}")
        self.group = group
        self.scale = scale

    @property
    def takes_sparsity(self) -> bool:
        return False

    @property
    def components(self) -> dict[str, str]:
        return {"grid": self.grid.kind}

    @property
    def needs(self) -> frozenset[str]:
        return frozenset()

    def to_config(self) -> dict[str, Any]:
        grid = self.grid.to_config()
        return {"acts_on": self.acts_on, "grid": grid, "group": self.group, "scale": self.scale}

    def apply(self, given: PlanInput) -> AppliedPlan:
        from sparsetime.computation.rounded_weights import rounded

        return rounded(self, given)

    def reopen(
        self,
        loaded: LoadedModel,
        config: Mapping[str, Any],
        state: Mapping[str, Tensor],
        sample: Any = None,
    ) -> AppliedPlan:
        from sparsetime.computation.rounded_weights import reopened_bits

        return reopened_bits(self, loaded.model, config, state)
