"""Handle of a model whose computation is sparse: its plans, their report, training and undoing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, final

from torch import Tensor, nn

from sparsetime.computation.applied_plan import AppliedPlan, PlanInput
from sparsetime.computation.held_steps import HeldSteps
from sparsetime.computation.model_data import model_batches
from sparsetime.computation.model_loss import LossFunction
from sparsetime.computation.named_plan import PlanLike, named_plan
from sparsetime.computation.plan import Plan
from sparsetime.computation.report import SparsityReport
from sparsetime.computation.rounded_training import RoundedTraining
from sparsetime.computation.rounded_weights import RoundedWeights
from sparsetime.computation.skipped_activations import SkippedActivations
from sparsetime.computation.thinned_weights import ThinnedWeights
from sparsetime.computation.training_hooks import TrainingHooks
from sparsetime.errors import ConfigError, MismatchError
from sparsetime.models.load import LoadedModel

if TYPE_CHECKING:
    from sparsetime.computation.compiled import CompiledCopy


@final
class Sparse:
    """A model with plans that leave out computation, in the order in which they were applied.

    loaded: the model, which was changed in place. plans: what acts on it.
    """

    def __init__(self, loaded: LoadedModel) -> None:
        self.loaded = loaded
        self.plans: list[AppliedPlan] = []
        self._hooks: list[TrainingHooks | RoundedTraining] = []

    @property
    def model(self) -> nn.Module:
        """The model, thinned."""
        return self.loaded.model

    def then(
        self,
        method: PlanLike = None,
        *,
        sparsity: float | None = None,
        data: Any = None,
        sites: str | Sequence[str] | None = None,
        loss: LossFunction | None = None,
        seed: int = 0,
        **settings: Any,
    ) -> Sparse:
        """Apply one more plan on top of the others; returns the handle.

        Arguments and errors: those of `sparsify`. It chooses among what earlier plans left.
        """
        if self._hooks:
            raise ConfigError(
                "the plans are attached to an optimiser; apply all plans before attach()"
            )
        plan = named_plan(method, settings)
        share = _checked_sparsity(plan, method, sparsity)
        if "data" in plan.needs and data is None:
            raise ConfigError(
                f"got no data for {_name(method)}, which is calibrated on some; give data=, such "
                "as a list of texts or tokens [sequences, time]"
            )
        batches = [] if data is None else model_batches(self.loaded, data)
        patterns = [sites] if isinstance(sites, str) else sites
        given = PlanInput(self.loaded, share, patterns, batches, loss, seed, self.plans)
        self.plans.append(plan.apply(given))
        return self

    def report(self) -> SparsityReport:
        """What is left out of every matrix, and what that saves; `to_dict()` has it as JSON."""
        return SparsityReport(tuple(row for plan in self.plans for row in plan.report()))

    def dense(self) -> nn.Module:
        """Undo all plans, the last first; returns the model as it was before.

        Errors: ConfigError where weights were trained since they were thinned; all plans stay.
        """
        resumes: list[Callable[[], None]] = []
        try:
            resumes.extend(plan.suspend() for plan in reversed(self.plans))
        except ConfigError:
            _resume(resumes)
            raise
        self.detach()
        self.plans = []
        return self.model

    @contextmanager
    def suspended(self) -> Iterator[nn.Module]:
        """A block in which the model computes without the plans.

        Errors: ConfigError where weights were trained since they were thinned.
        """
        resumes: list[Callable[[], None]] = []
        try:
            # One by one, so that those before a plan that refuses are resumed.
            resumes.extend(plan.suspend() for plan in reversed(self.plans))
            yield self.model
        finally:
            _resume(resumes)

    @contextmanager
    def streaming(self) -> Iterator[nn.Module]:
        """A block in which each call continues the sequences of the call before it.

        Plans of time carry what they hold from call to call, so that chunks of a sequence, such as
        single tokens with a cache, give what one call of all steps gives. Outside of it every call
        begins new sequences.
        """
        over_time = [plan for plan in self.plans if isinstance(plan, HeldSteps)]
        for plan in over_time:
            plan.stream(True)
        try:
            yield self.model
        finally:
            for plan in over_time:
                plan.stream(False)

    def attach(self, optimiser: Any) -> Sparse:
        """Keep the model thinned while the optimiser trains it; returns the handle.

        The training loop stays as it is. Masks change as each plan's schedule says. Other processes
        of DistributedDataParallel choose the same masks, as their gradients are the same.

        Errors: ConfigError for an optimiser without step hooks or without the thinned matrices,
        for plans that share a matrix, and where an optimiser is attached already.
        """
        if self._hooks:
            raise ConfigError("an optimiser is attached already; call detach() before another")
        weights = [plan for plan in self.plans if isinstance(plan, ThinnedWeights)]
        bits = [plan for plan in self.plans if isinstance(plan, RoundedWeights)]
        for plans in (weights, bits):
            _refuse_shared(plans)
        try:
            # Masks are chosen between what rounding does before a step and behind it.
            rounding = [RoundedTraining(plan, optimiser) for plan in bits]
            self._hooks.extend(rounding)
            self._hooks.extend(TrainingHooks(plan, optimiser) for plan in weights)
            for hooks in rounding:
                hooks.add_behind()
        except Exception:
            self.detach()  # hooks of plans before the one that the optimiser does not fit
            raise
        return self

    def detach(self) -> None:
        """Take the hooks off the optimiser; the model stays thinned."""
        for hooks in self._hooks:
            hooks.remove()
        self._hooks = []

    def state_dict(self) -> dict[str, Tensor]:
        """Masks, dense weights and steps, with which training resumes; save it with checkpoints."""
        return {
            f"{number}/{name}": value
            for number, plan in enumerate(self.plans)
            for name, value in plan.state().items()
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Resume with what `state_dict` returned; load the model's own weights before.

        Errors: MismatchError for the state of other plans or another model.
        """
        parts: dict[int, dict[str, Tensor]] = {}
        for name, value in state.items():
            number, _, rest = name.partition("/")
            parts.setdefault(int(number), {})[rest] = value
        if set(parts) - set(range(len(self.plans))):
            raise MismatchError(
                f"got the state of {len(parts)} plans, expected that of {len(self.plans)}; apply "
                "the same plans first"
            )
        for place, plan in enumerate(self.plans):
            plan.load_state(parts.get(place, {}))

    def compile(self, batch: int = 1) -> CompiledCopy:
        """A copy of the model for inference on this CPU, with the fastest execution of each map.

        Every execution that fits a mask is measured at that batch size: dense in float32, bfloat16
        and int8, condensed (structure "fan_in") and CSR. Of those that give the result of the
        masked matrix the fastest is put into the copy; the times of all are in its `maps`. Often
        dense is fastest, and then nothing is replaced by something slower.

        Errors: ConfigError for plans of activations or time, a model on a GPU, in another precision
        than float32 or without a thinned Linear module, and for a batch below 1.
        """
        from sparsetime.computation.compiled import compiled

        weights = [plan for plan in self.plans if isinstance(plan, ThinnedWeights)]
        if any(isinstance(plan, SkippedActivations | HeldSteps) for plan in self.plans):
            raise ConfigError(
                "got a plan of activations or time, whose execution is not compiled yet; compile a "
                "model without such plans"
            )
        last = {matrix.target.key: matrix for plan in weights for matrix in plan.matrices}
        return compiled(self.model, list(last.values()), batch)

    def save(self, out: str | os.PathLike[str]) -> None:
        """Write the plans and the model's weights into a folder; `st.open_sparse` opens it.

        Of thinned matrices the kept values and a bit an entry are written: at sparsity 0.9 and
        float16 a sixth of the dense matrix.

        Errors: StoreError where the folder holds something else.
        """
        from sparsetime.computation.serialise import save_sparse

        save_sparse(self, out)


def _refuse_shared(plans: Sequence[ThinnedWeights] | Sequence[RoundedWeights]) -> None:
    keys = [matrix.target.key for plan in plans for matrix in plan.matrices]
    shared = sorted({key for key in keys if keys.count(key) > 1})
    if shared:
        raise ConfigError(
            f"got two plans of {', '.join(shared[:3])}, expected one plan of a matrix in training; "
            "apply them at different sites, or train with the last alone"
        )


def _resume(resumes: Sequence[Callable[[], None]]) -> None:
    """Put plans in again, the one that was taken out last first."""
    for resume in reversed(resumes):
        resume()


def _checked_sparsity(plan: Plan, method: PlanLike, sparsity: float | None) -> float:
    if not plan.takes_sparsity:
        if sparsity is None:
            return 0.0
        raise ConfigError(
            f"got sparsity={sparsity} for {_name(method)}, which leaves out no entries, expected "
            "none; its own settings say how far it goes"
        )
    if sparsity is None or isinstance(sparsity, bool) or not 0 <= sparsity < 1:
        raise ConfigError(
            f"got sparsity={sparsity}, expected the share that is left out, from 0 to less than 1"
        )
    return sparsity


def _name(method: PlanLike) -> str:
    return f"the method {method!r}" if isinstance(method, str) else "this plan"
