"""A plan that was applied to a model, and what it was given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, final

from torch import Tensor

from sparsetime.computation.model_data import ModelBatch
from sparsetime.computation.model_loss import LossFunction
from sparsetime.computation.plan import Plan
from sparsetime.computation.report import MatrixReport
from sparsetime.errors import MismatchError
from sparsetime.models.load import LoadedModel

_Place = TypeVar("_Place")


@final
@dataclass(frozen=True)
class PlanInput:
    """What a plan is applied to, and with.

    sites: patterns of modules, None for all. batches: calibration data, empty without any. loss:
    of the model on a batch, None for that of its tokens or targets. earlier: plans at work.
    """

    model: LoadedModel
    sparsity: float
    sites: Sequence[str] | None
    batches: Sequence[ModelBatch]
    loss: LossFunction | None
    seed: int
    earlier: Sequence[AppliedPlan] = ()


class AppliedPlan(ABC):
    """A plan at work in a model."""

    def __init__(self, plan: Plan, sparsity: float, seed: int) -> None:
        self.plan, self.sparsity, self.seed = plan, sparsity, seed

    @abstractmethod
    def suspend(self) -> Callable[[], None]:
        """Take the plan out of the model; returns what puts it back.

        Errors: ConfigError where weights were trained since they were thinned.
        """

    @abstractmethod
    def report(self) -> list[MatrixReport]:
        """What is left out of every matrix."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """Tensors from which `load_state` restores the plan, in training too."""

    @abstractmethod
    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take over a state. Errors: MismatchError for that of another plan or model."""

    @abstractmethod
    def saved(self) -> dict[str, Tensor]:
        """Tensors from which `Plan.reopen` makes the plan again; the weights are saved apart."""

    def to_config(self) -> dict[str, Any]:
        """The plan, its sparsity and seed as JSON."""
        return {**self.plan.to_config(), "sparsity": self.sparsity, "seed": self.seed}


def found_again(found: Mapping[str, _Place], names: Sequence[str], place: str) -> list[_Place]:
    """The places of a model that a saved plan names.

    place: what one is, with {} for its name: "the matrix {}, which the saved plan rounds".

    Errors: MismatchError for a model without one of them.
    """
    lacking = [name for name in names if name not in found]
    if lacking:
        raise MismatchError(
            f"got a model without {place.format(lacking[0])}; give a model of the same architecture"
        )
    return [found[name] for name in names]
