"""Plan that computes steps of sequences again only where they changed: a rule of time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

from torch import Tensor

from sparsetime.components import Described
from sparsetime.computation.applied_plan import AppliedPlan, PlanInput
from sparsetime.computation.plan import Plan
from sparsetime.computation.time_rules.time_rule import TimeRule
from sparsetime.models.load import LoadedModel


@final
class TimePlan(Plan):
    """Which inputs of linear maps are computed again at a step.

        y_t = W h_t = y_(t-1) + W (h_t - h_(t-1)),  h = rule(x)

    rule: its kind, its kind with settings, or an object. Maps are those that read [sequences, time,
    d]; a call begins new sequences, but within `Sparse.streaming`.
    """

    acts_on = "time"

    def __init__(self, rule: Described = "delta") -> None:
        """Errors: those of the rule's settings."""
        self.rule: TimeRule = TimeRule.from_description(rule)

    @property
    def takes_sparsity(self) -> bool:
        return self.rule.takes_sparsity

    @property
    def components(self) -> dict[str, str]:
        return {"rule": self.rule.kind}

    @property
    def needs(self) -> frozenset[str]:
        calibrated = {"data"} if self.rule.reads_data else set()
        return frozenset(calibrated | ({"training"} if self.rule.is_training else set()))

    def to_config(self) -> dict[str, Any]:
        return {"acts_on": self.acts_on, "rule": self.rule.to_config()}

    def apply(self, given: PlanInput) -> AppliedPlan:
        from sparsetime.computation.held_steps import held

        return held(self, given)

    def reopen(
        self,
        loaded: LoadedModel,
        config: Mapping[str, Any],
        state: Mapping[str, Tensor],
        sample: Any = None,
    ) -> AppliedPlan:
        from sparsetime.computation.held_steps import reopened_time

        return reopened_time(self, loaded.model, config, state)
