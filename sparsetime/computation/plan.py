"""Base class of computation plans, and what every plan of a model can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor

from sparsetime.models.load import LoadedModel

if TYPE_CHECKING:
    from sparsetime.computation.applied_plan import AppliedPlan, PlanInput


class Plan(ABC):
    """What is left out of a model's computation, as a composition of registered components.

    acts_on: "weights", "activations", "time" or "bits".
    """

    acts_on: ClassVar[str]

    @property
    def takes_sparsity(self) -> bool:
        """Whether it takes a sparsity, the share that is left out."""
        return True

    @property
    @abstractmethod
    def components(self) -> dict[str, str]:
        """The kind of every component, by role."""

    @property
    @abstractmethod
    def needs(self) -> frozenset[str]:
        """What applying it reads beside the model: "data"; and "training" if it trains."""

    @abstractmethod
    def to_config(self) -> dict[str, Any]:
        """The plan as JSON."""

    @abstractmethod
    def apply(self, given: PlanInput) -> AppliedPlan:
        """Change the model. Errors: ConfigError, before any change, where the plan does not fit."""

    @abstractmethod
    def reopen(
        self,
        loaded: LoadedModel,
        config: Mapping[str, Any],
        state: Mapping[str, Tensor],
        sample: Any = None,
    ) -> AppliedPlan:
        """The plan as it was at work when it was saved: config and tensors of `AppliedPlan`.

        sample: an input of the model, where MLPs are found by running it.
        """
