"""Base class of rules of time: what a linear map reads at a step, given the steps before."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from sparsetime.components import RegisteredComponent

#: What a rule keeps of the steps before, by name; each [batch, ...].
TimeState = dict[str, Tensor]

_HALVINGS = 24


class TimeRule(RegisteredComponent):
    """Replaces the inputs of a linear map by ones that change, or differ from zero, seldom."""

    role = "time_rule"
    #: Whether inputs are held, so that only their changes are multiplied; otherwise those not zero.
    holds: ClassVar[bool] = True
    #: Whether it is calibrated on data.
    reads_data: ClassVar[bool] = True

    @property
    def takes_sparsity(self) -> bool:
        """Whether it is set by a sparsity, and not by a setting of its own."""
        return True

    @property
    def is_training(self) -> bool:
        """Whether it acts on gradients, so that it is made for training."""
        return False

    @abstractmethod
    def calibrated(
        self, x: Float[Tensor, "sequences time d"] | None, sparsity: float
    ) -> dict[str, Tensor]:
        """What `passed` needs for a share `sparsity` of entries of later steps to be left out."""

    @abstractmethod
    def passed(
        self,
        x: Float[Tensor, "batch time d"],
        learnt: Mapping[str, Tensor],
        state: TimeState | None,
    ) -> tuple[Float[Tensor, "batch time d"], TimeState]:
        """What the map reads of each step, and the state behind the last one.

        state: that of the steps before; None at the beginning of sequences.
        """

    def needed(
        self, passed: Float[Tensor, "batch time d"], before: Float[Tensor, "batch d"] | None = None
    ) -> Tensor:
        """True at the entries that are multiplied [batch, time, d]; of a first step, those not 0.

        before: what was passed at the step before the first.
        """
        needed = passed != 0
        if self.holds:
            needed[:, 1:] = passed[:, 1:] != passed[:, :-1]
            if before is not None:
                needed[:, 0] = passed[:, 0] != before
        return needed

    def _threshold(
        self, x: Float[Tensor, "sequences time d"], sparsity: float, highest: float
    ) -> Tensor:
        """The lowest threshold, up to `highest`, that leaves out the share of later entries."""
        low, high = 0.0, highest
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            values, _state = self.passed(x, {"threshold": x.new_tensor(middle)}, None)
            if 1 - float(self.needed(values)[:, 1:].double().mean()) < sparsity:
                low = middle
            else:
                high = middle
        return x.new_tensor(high)
