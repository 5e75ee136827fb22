"""A plan of time at work: hooks that replace the inputs of linear maps by those of a rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.computation.applied_plan import PlanInput, found_again
from sparsetime.computation.changed_inputs import ChangedInputs, learnt_by_path
from sparsetime.computation.model_data import ModelBatch, run_batch
from sparsetime.computation.report import MatrixReport
from sparsetime.computation.time_rules.time_rule import TimeState
from sparsetime.computation.weight_matrices import WeightMatrix, weight_matrices
from sparsetime.errors import ConfigError, DataError
from sparsetime.models.eval_mode import eval_mode

if TYPE_CHECKING:
    from sparsetime.computation.time_plan import TimePlan

_STEPS = 4096  # of calibration, at most, a map


@final
class HeldSteps(ChangedInputs):
    """The linear maps whose inputs a plan holds over time; kept: behind the first step."""

    def __init__(
        self,
        plan: TimePlan,
        sparsity: float,
        seed: int,
        matrices: Sequence[WeightMatrix],
        learnt: Mapping[str, Mapping[str, Tensor]],
        kept: Mapping[str, float],
    ) -> None:
        super().__init__(plan, sparsity, seed, [m.path for m in matrices], learnt, kept)
        self.time = plan
        self.matrices = tuple(matrices)
        self._states: dict[str, TimeState] | None = None
        self._install()

    def stream(self, is_on: bool) -> None:
        """Let calls continue the sequences of the call before, from the next one on, or not."""
        self._states = {} if is_on else None

    def report(self) -> list[MatrixReport]:
        kind = self.time.rule.kind
        return [self.row(m.path, kind, m.parameter, m.shape[1]) for m in self.matrices]

    def _install(self) -> None:
        for matrix in self.matrices:
            hook = self._holding(matrix.path)
            self._handles.append(matrix.module.register_forward_pre_hook(hook))

    def _holding(self, path: str) -> Callable[..., Any]:
        def hold(module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
            x = steps_of(path, args[0])
            before = None if self._states is None else self._states.get(path)
            values, state = self.time.rule.passed(x, self.learnt[path], before)
            if self._states is not None:
                self._states[path] = state
            return (values, *args[1:])

        return hold


def steps_of(path: str, x: Tensor) -> Float[Tensor, "batch time d"]:
    """A map's input by sequence and step. Errors: DataError for one without an axis of time."""
    if x.ndim != 3:
        raise DataError(
            f"got an input of the shape {list(x.shape)} at {path}, expected [sequences, time, d] "
            "for a plan of time; name other sites"
        )
    return x


def held(plan: TimePlan, given: PlanInput) -> HeldSteps:
    """Calibrate a plan on data, and put it into the model. Errors: as `Plan.apply`."""
    module = given.model.model
    matrices = [m for m in weight_matrices(module, given.sites) if m.reads_rows]
    if not matrices:
        raise ConfigError(
            "got sites without a linear module, expected Linear or GPT-2's Conv1D; name others"
        )
    learnt: dict[str, dict[str, Tensor]] = {}
    kept: dict[str, float] = {}
    inputs = _inputs(module, matrices, given.batches) if plan.rule.reads_data else {}
    for matrix in matrices:
        x = inputs.get(matrix.path)
        learnt[matrix.path] = plan.rule.calibrated(x, given.sparsity)
        kept[matrix.path] = 1 - given.sparsity
        if x is not None:
            values, _ = plan.rule.passed(x, learnt[matrix.path], None)
            needed = plan.rule.needed(values)
            later = needed[:, 1:] if needed.shape[1] > 1 else needed
            kept[matrix.path] = float(later.double().mean())
    return HeldSteps(plan, given.sparsity, given.seed, matrices, learnt, kept)


def reopened_time(
    plan: TimePlan, model: nn.Module, config: Mapping[str, Any], state: Mapping[str, Tensor]
) -> HeldSteps:
    """The plan as it was saved. Errors: MismatchError for a model without its maps."""
    found = {matrix.path: matrix for matrix in weight_matrices(model, [""]) if matrix.reads_rows}
    place = "the module {}, whose input the saved plan holds"
    matrices = found_again(found, config["points"], place)
    learnt = learnt_by_path(config, state)
    return HeldSteps(plan, config["sparsity"], config["seed"], matrices, learnt, config["kept"])


@torch.no_grad()
def _inputs(
    model: nn.Module, matrices: Sequence[WeightMatrix], batches: Sequence[ModelBatch]
) -> dict[str, Float[Tensor, "sequences time d"]]:
    """At most 4,096 steps of each map's input, of sequences of the first one's length.

    Errors: DataError for inputs without an axis of time, and a map that is never called.
    """
    parts: dict[str, list[Tensor]] = {matrix.path: [] for matrix in matrices}

    def recorder(path: str) -> Callable[..., None]:
        def record(module: nn.Module, args: tuple[Any, ...]) -> None:
            x = steps_of(path, args[0]).detach().float()
            own = parts[path]
            room = _STEPS - sum(part.shape[0] * part.shape[1] for part in own)
            if room >= x.shape[1] and (not own or own[0].shape[1] == x.shape[1]):
                own.append(x[: max(1, room // x.shape[1])])
            elif not own:
                own.append(x[:1, :_STEPS])

        return record

    handles = [m.module.register_forward_pre_hook(recorder(m.path)) for m in matrices]
    try:
        with eval_mode(model):
            for batch in batches:
                run_batch(model, batch)
    finally:
        for handle in handles:
            handle.remove()
    silent = [path for path, own in parts.items() if not own]
    if silent:
        raise DataError(
            f"got data on which the model never calls {silent[0]}; leave it out of sites"
        )
    short = [path for path, own in parts.items() if own[0].shape[1] < 2]
    if short:
        raise DataError(
            f"got sequences of one step at {short[0]}, expected at least two for a plan of time"
        )
    return {path: torch.cat(own) for path, own in parts.items()}
