"""Plan that leaves out activations: a site and a rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

from torch import Tensor

from sparsetime.components import Described
from sparsetime.computation.activation_rules.activation_rule import ActivationRule
from sparsetime.computation.activation_sites.activation_site import (
    ActivationPoint,
    ActivationSite,
)
from sparsetime.computation.applied_plan import AppliedPlan, PlanInput
from sparsetime.computation.plan import Plan
from sparsetime.errors import ConfigError
from sparsetime.models.load import LoadedModel


@final
class ActivationPlan(Plan):
    """Which activations are left out at every step.

        y = W (M x),  M = rule(site's score of x)

    Every component is given as its kind, as its kind with settings, or as an object.
    """

    acts_on = "activations"

    def __init__(self, site: Described, rule: Described = "threshold") -> None:
        """Errors: those of a component's settings; ConfigError for components that do not fit."""
        self.site: ActivationSite = ActivationSite.from_description(site)
        self.rule: ActivationRule = ActivationRule.from_description(rule)
        if self.rule.predicts and self.site.kind not in ("neurons", "neuron_outputs"):
            raise ConfigError(
                f"got the rule {self.rule.kind!r} at the site {self.site.kind!r}, where nothing "
                "comes before that could be read; expected the site 'neurons' or 'neuron_outputs'"
            )

    @property
    def components(self) -> dict[str, str]:
        return {"site": self.site.kind, "rule": self.rule.kind}

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"data"})

    def read_from(self, point: ActivationPoint) -> tuple[str, bool] | None:
        """The module that the rule reads of before the point, and whether its input is read."""
        if self.rule.predicts:
            assert point.reads_path is not None, "a site that can be predicted"
            return point.reads_path, True
        return None if point.scored_path is None else (point.scored_path, False)

    def skips_outputs(self, point: ActivationPoint) -> tuple[str, ...]:
        """Modules whose outputs are not needed where entries of the point are left out."""
        return point.predicted_skips if self.rule.predicts else point.skips_outputs

    def to_config(self) -> dict[str, Any]:
        parts = {"site": self.site.to_config(), "rule": self.rule.to_config()}
        return {"acts_on": self.acts_on, **parts}

    def apply(self, given: PlanInput) -> AppliedPlan:
        from sparsetime.computation.skipped_activations import calibrated

        return calibrated(self, given)

    def reopen(
        self,
        loaded: LoadedModel,
        config: Mapping[str, Any],
        state: Mapping[str, Tensor],
        sample: Any = None,
    ) -> AppliedPlan:
        from sparsetime.computation.skipped_activations import reopened_activations

        return reopened_activations(self, loaded, config, state, sample)
