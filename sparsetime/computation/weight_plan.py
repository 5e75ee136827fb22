"""Plan that thins weight matrices: score, structure, distribution, schedule, gradient rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

from torch import Tensor

from sparsetime.components import Described, RegisteredComponent
from sparsetime.computation.applied_plan import AppliedPlan, PlanInput
from sparsetime.computation.distributions.distribution import Distribution
from sparsetime.computation.gradient_rules.gradient_rule import GradientRule
from sparsetime.computation.plan import Plan
from sparsetime.computation.schedules.mask_schedule import MaskSchedule
from sparsetime.computation.scores.score import WeightScore
from sparsetime.computation.structures.structure import Structure
from sparsetime.errors import ConfigError
from sparsetime.models.load import LoadedModel


@final
class WeightPlan(Plan):
    """Which weights are left out, when, and how the rest learns.

        W' = M W,  M = structure(score(W), s_l),  s_l = distribution(s)

    Every component is given as its kind, as its kind with settings, or as an object.
    """

    acts_on = "weights"

    def __init__(
        self,
        score: Described = "magnitude",
        structure: Described = "free",
        distribution: Described = "uniform",
        schedule: Described = "at_once",
        gradient_rule: Described = "masked",
    ) -> None:
        """Errors: those of a component's settings; ConfigError for components that do not fit."""
        self.score: WeightScore = WeightScore.from_description(score)
        self.structure: Structure = Structure.from_description(structure)
        self.distribution: Distribution = Distribution.from_description(distribution)
        self.schedule: MaskSchedule = MaskSchedule.from_description(schedule)
        self.gradient_rule: GradientRule = GradientRule.from_description(gradient_rule)
        scores_again = self.schedule.is_training and self.schedule.reads_scores
        if scores_again and self.score.needs:
            raise ConfigError(
                f"got the score {self.score.kind!r}, which reads calibration data, with the "
                f"schedule {self.schedule.kind!r}, which scores weights during training; expected "
                "a score of weights alone, such as magnitude"
            )

    @property
    def components(self) -> dict[str, str]:
        return {name: part.kind for name, part in self._parts.items()}

    @property
    def needs(self) -> frozenset[str]:
        calibrated = {"data"} if self.score.needs | self.schedule.needs else set()
        trained = {"training"} if self.is_training else set()
        return frozenset(calibrated | trained)

    @property
    def is_training(self) -> bool:
        """Whether masks or values change during training, so that it is to be attached."""
        return self.schedule.is_training or self.gradient_rule.keeps_dense

    @property
    def reads_inputs(self) -> bool:
        """Whether it needs statistics of the inputs of each matrix."""
        return "inputs" in self.score.needs | self.schedule.needs

    def to_config(self) -> dict[str, Any]:
        parts = {name: part.to_config() for name, part in self._parts.items()}
        return {"acts_on": self.acts_on, **parts}

    def apply(self, given: PlanInput) -> AppliedPlan:
        from sparsetime.computation.thinned_weights import thinned

        return thinned(self, given)

    def reopen(
        self,
        loaded: LoadedModel,
        config: Mapping[str, Any],
        state: Mapping[str, Tensor],
        sample: Any = None,
    ) -> AppliedPlan:
        from sparsetime.computation.thinned_weights import reopened

        return reopened(self, loaded.model, config, state)

    @property
    def _parts(self) -> dict[str, RegisteredComponent]:
        return {
            "score": self.score,
            "structure": self.structure,
            "distribution": self.distribution,
            "schedule": self.schedule,
            "gradient_rule": self.gradient_rule,
        }
