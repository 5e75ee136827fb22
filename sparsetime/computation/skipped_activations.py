"""A plan of activations at work: hooks that leave out entries of the inputs of modules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.computation.activation_sites.activation_site import ActivationPoint
from sparsetime.computation.applied_plan import PlanInput, found_again
from sparsetime.computation.changed_inputs import ChangedInputs, learnt_by_path
from sparsetime.computation.model_data import ModelBatch, run_batch
from sparsetime.computation.report import MatrixReport
from sparsetime.errors import DataError
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.load import LoadedModel

if TYPE_CHECKING:
    from sparsetime.computation.activation_plan import ActivationPlan

_BY_HOOKS = ("activations", "time")  # plans that change what maps read
_STEPS = 4096  # of calibration, at most, a point
_SAMPLE = 16  # steps, with which MLPs are found


@final
class SkippedActivations(ChangedInputs):
    """The points of a model whose entries a plan leaves out."""

    def __init__(
        self,
        plan: ActivationPlan,
        sparsity: float,
        seed: int,
        model: nn.Module,
        points: Sequence[ActivationPoint],
        learnt: Mapping[str, Mapping[str, Tensor]],
        kept: Mapping[str, float],
    ) -> None:
        super().__init__(plan, sparsity, seed, [point.path for point in points], learnt, kept)
        self.activations = plan
        self.points = tuple(points)
        self._model = model
        self._seen: dict[str, Tensor] = {}
        self._install()

    def report(self) -> list[MatrixReport]:
        kind = self.activations.rule.kind
        return [self.row(p.path, kind, self._weight(p.path), p.width) for p in self.points]

    def _weight(self, path: str) -> Tensor:
        weight = self._model.get_submodule(path).weight
        assert isinstance(weight, Tensor)
        return weight

    def _install(self) -> None:
        for point in self.points:
            module = self._model.get_submodule(point.path)
            self._handles.append(module.register_forward_pre_hook(self._leaving_out(point)))
            source = self.activations.read_from(point)
            if source is not None:
                watched, is_input = source
                hook = self._watching(point.path, is_input)
                other = self._model.get_submodule(watched)
                register = (
                    other.register_forward_pre_hook if is_input else other.register_forward_hook
                )
                self._handles.append(register(hook))

    def _watching(self, path: str, is_input: bool) -> Callable[..., None]:
        def watch(module: nn.Module, args: Any, output: Any = None) -> None:
            self._seen[path] = args[0] if is_input else output

        return watch

    def _leaving_out(self, point: ActivationPoint) -> Callable[..., Any]:
        rule, learnt = self.activations.rule, self.learnt[point.path]

        def leave_out(module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
            read = self._seen.pop(point.path, args[0])
            scored = read if rule.predicts else point.score_of(read)
            return (args[0] * rule.kept(scored, learnt), *args[1:])

        return leave_out


def calibrated(plan: ActivationPlan, given: PlanInput) -> SkippedActivations:
    """Calibrate a plan on data, and put it into the model. Errors: as `Plan.apply`."""
    module = given.model.model
    sample = _small_sample(given.batches)
    # MLPs are found by what their maps read, which hooks of earlier plans change.
    resumes = [one.suspend() for one in given.earlier if one.plan.acts_on in _BY_HOOKS]
    try:
        points = plan.site.points(given.model, given.sites, sample)
    finally:
        for resume in resumes:
            resume()
    collected = _collect(plan, module, points, given.batches)
    learnt, kept = {}, {}
    for point in points:
        scores, read = collected[point.path]
        values = plan.rule.calibrated(scores, read, given.sparsity, given.seed)
        inputs = read if plan.rule.predicts and read is not None else scores
        learnt[point.path] = values
        kept[point.path] = float(plan.rule.kept(inputs, values).double().mean())
    return SkippedActivations(plan, given.sparsity, given.seed, module, points, learnt, kept)


def _small_sample(batches: Sequence[ModelBatch]) -> Any:
    """A few steps of the data, with which the MLPs of a model are found."""
    if not batches:
        return None
    inputs = batches[0].inputs
    if batches[0].is_tokens:
        return inputs[:1, :_SAMPLE]
    return inputs[:_SAMPLE] if isinstance(inputs, Tensor) else inputs


def reopened_activations(
    plan: ActivationPlan,
    loaded: LoadedModel,
    config: Mapping[str, Any],
    state: Mapping[str, Tensor],
    sample: Any,
) -> SkippedActivations:
    """The plan as it was saved. Errors: MismatchError for a model without its points."""
    found = {point.path: point for point in plan.site.points(loaded, None, sample)}
    place = "the module {}, whose input the saved plan leaves out"
    points = found_again(found, config["points"], place)
    learnt = learnt_by_path(config, state)
    return SkippedActivations(
        plan, config["sparsity"], config["seed"], loaded.model, points, learnt, config["kept"]
    )


def _collect(
    plan: ActivationPlan,
    model: nn.Module,
    points: Sequence[ActivationPoint],
    batches: Sequence[ModelBatch],
) -> dict[str, tuple[Float[Tensor, "steps entries"], Float[Tensor, "steps d"] | None]]:
    """By point, the scores of at most 4,096 calibration steps, and what a predictor reads."""
    scores: dict[str, list[Tensor]] = {point.path: [] for point in points}
    reads: dict[str, list[Tensor]] = {point.path: [] for point in points}
    handles: list[Any] = []

    def rows(x: Tensor) -> Tensor:
        return x.detach().float().reshape(-1, x.shape[-1])

    def scorer(point: ActivationPoint, of_output: bool) -> Callable[..., None]:
        def record(module: nn.Module, args: Any, output: Any = None) -> None:
            x = output if of_output else args[0]
            scores[point.path].append(point.score_of(rows(x)))

        return record

    def reader(point: ActivationPoint) -> Callable[..., None]:
        return lambda module, args: reads[point.path].append(rows(args[0]))

    for point in points:
        scored = model.get_submodule(point.scored_path or point.path)
        of_output = point.scored_path is not None
        register = scored.register_forward_hook if of_output else scored.register_forward_pre_hook
        handles.append(register(scorer(point, of_output)))
        if plan.rule.predicts and point.reads_path is not None:
            before = model.get_submodule(point.reads_path)
            handles.append(before.register_forward_pre_hook(reader(point)))
    try:
        with eval_mode(model):
            for batch in batches:
                run_batch(model, batch)
    finally:
        for handle in handles:
            handle.remove()
    silent = [path for path, parts in scores.items() if not parts]
    if silent:
        raise DataError(
            f"got data on which the model never calls {silent[0]}; leave it out of sites"
        )
    joined = {}
    for path, parts in scores.items():
        every = max(1, -(-sum(map(len, parts)) // _STEPS))
        read = torch.cat(reads[path])[::every] if reads[path] else None
        joined[path] = torch.cat(parts)[::every], read
    return joined
