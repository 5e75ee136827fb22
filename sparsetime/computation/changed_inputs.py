"""Plans at work that change what modules read: hooks, with a rule calibrated to each module."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from sparsetime.computation.applied_plan import AppliedPlan
from sparsetime.computation.plan import Plan
from sparsetime.computation.report import MatrixReport
from sparsetime.errors import MismatchError


class ChangedInputs(AppliedPlan):
    """The modules whose inputs a plan of activations or of time changes.

    learnt: what the rule was calibrated to, by path of a module. kept: the share of entries that
    are multiplied, by path: on the calibration data, or as asked for where there are none.
    """

    def __init__(
        self,
        plan: Plan,
        sparsity: float,
        seed: int,
        paths: Sequence[str],
        learnt: Mapping[str, Mapping[str, Tensor]],
        kept: Mapping[str, float],
    ) -> None:
        super().__init__(plan, sparsity, seed)
        self.paths = tuple(paths)
        self.learnt = {key: dict(values) for key, values in learnt.items()}
        self.kept = dict(kept)
        self._handles: list[Any] = []

    @abstractmethod
    def _install(self) -> None:
        """Put the hooks in, and their handles into `_handles`."""

    def suspend(self) -> Callable[[], None]:
        """Remove the hooks; what is returned puts them in again."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        return self._install

    def row(self, path: str, structure: str, weight: Tensor, inputs: int) -> MatrixReport:
        """A row of the report: the weight that reads this module's inputs."""
        outputs, kept = weight.numel() // inputs, self.kept[path] * inputs
        size = weight.numel() * weight.element_size()
        return MatrixReport(
            name=f"{path}:input",
            plan=self.plan.acts_on,
            structure=structure,
            holds=True,
            entries=inputs,
            kept=kept,
            macs=kept * outputs,
            dense_macs=inputs * outputs,
            bytes=size,
            dense_bytes=size,
        )

    def state(self) -> dict[str, Tensor]:
        return {
            f"{path}/{name}": value
            for path, values in self.learnt.items()
            for name, value in values.items()
        }

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        if set(state) != set(self.state()):
            raise MismatchError(
                f"got the state of another plan of {self.plan.acts_on}; apply the plan that wrote "
                "it, to the same model"
            )
        for path, values in self.learnt.items():
            for name in values:
                values[name] = state[f"{path}/{name}"].clone()

    def saved(self) -> dict[str, Tensor]:
        return self.state()

    def to_config(self) -> dict[str, Any]:
        return {**super().to_config(), "points": list(self.paths), "kept": self.kept}


def learnt_by_path(
    config: Mapping[str, Any], state: Mapping[str, Tensor]
) -> dict[str, dict[str, Tensor]]:
    """What `ChangedInputs.saved` holds, by path of a module."""
    learnt: dict[str, dict[str, Tensor]] = {path: {} for path in config["points"]}
    for key, value in state.items():
        path, _, name = key.rpartition("/")
        learnt[path][name] = value
    return learnt
