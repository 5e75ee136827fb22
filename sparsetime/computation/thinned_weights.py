"""A plan of weights at work: the masked matrices of a model, chosen and updated."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.computation.applied_plan import AppliedPlan, PlanInput, found_again
from sparsetime.computation.bit_masks import pack_mask, unpack_mask
from sparsetime.computation.input_statistics import InputStatistics, input_statistics
from sparsetime.computation.masked_matrix import MaskedMatrix
from sparsetime.computation.model_loss import loss_gradients
from sparsetime.computation.report import MatrixReport
from sparsetime.computation.schedules.mask_schedule import MaskUpdate
from sparsetime.computation.scores.score import ScoredMatrix
from sparsetime.computation.structures.structure import kept_count
from sparsetime.computation.weight_matrices import WeightMatrix, weight_matrices
from sparsetime.errors import ConfigError, MismatchError

if TYPE_CHECKING:
    from sparsetime.computation.weight_plan import WeightPlan

_STEP, _MASK, _DENSE = "step", "mask/", "dense/"


@final
class ThinnedWeights(AppliedPlan):
    """The matrices that a plan thins, with their masks.

    step: optimiser steps since the plan was applied, while it was attached to an optimiser.
    """

    def __init__(
        self, plan: WeightPlan, sparsity: float, seed: int, targets: Sequence[WeightMatrix]
    ) -> None:
        super().__init__(plan, sparsity, seed)
        self.weights = plan
        self.step = 0
        self.matrices = [MaskedMatrix(target) for target in targets]

    def update(self, gradients: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Choose masks again; returns where each changed, in the parameter's shape, by key.

        gradients: of all entries, by key, where the schedule reads them at this step.
        """
        plan, changed = self.weights, {}
        scores = self._scores({}, {})
        for matrix, score, sparsity in zip(
            self.matrices, scores, self._sparsities(scores), strict=True
        ):
            target = matrix.target
            gradient = gradients.get(target.key)
            if gradient is None and plan.schedule.needs_gradient(self.step):
                # The loss did not read the matrix at this step, as of an expert without rows.
                changed[target.key] = torch.zeros_like(matrix.mask)
                continue
            update = MaskUpdate(
                matrix.weight,
                matrix.mask_matrix,
                score,
                self.step,
                seeds.torch_generator(self.seed, "regrown weights", target.key, self.step),
                None if gradient is None else target.matrix(gradient),
            )
            mask = plan.structure.mask(plan.schedule.update_scores(update), sparsity)
            changed[target.key] = matrix.set_mask(mask)
            matrix.sparsity = sparsity
        return changed

    def keep_dense(self) -> None:
        """Copy the present weights where the gradient rule keeps dense ones and has none yet."""
        for matrix in self.matrices:
            if self.weights.gradient_rule.keeps_dense and matrix.dense is None:
                matrix.dense = matrix.target.parameter.detach().clone()

    @torch.no_grad()
    def thin(self) -> None:
        """Put the thinned values into the model."""
        rule = self.weights.gradient_rule
        self.keep_dense()
        for matrix in self.matrices:
            parameter = matrix.target.parameter
            if matrix.dense is None:
                matrix.remove(parameter)
            else:
                parameter.copy_(rule.thinned(matrix.dense, matrix.mask, self.step))

    def suspend(self) -> Callable[[], None]:
        """Put the weights back; what is returned puts the thinned ones in again."""
        if self.step:
            raise ConfigError(
                f"the model was trained for {self.step} steps since it was thinned, so its earlier "
                "weights do not fit the rest of it; load the model again"
            )
        thinned = [matrix.target.parameter.detach().clone() for matrix in self.matrices]
        for matrix in self.matrices:
            matrix.restore()

        @torch.no_grad()
        def resume() -> None:
            for matrix, values in zip(self.matrices, thinned, strict=True):
                matrix.target.parameter.copy_(values)

        return resume

    def report(self) -> list[MatrixReport]:
        rows = []
        for matrix in self.matrices:
            entries, kept = matrix.mask.numel(), int(matrix.mask.sum())
            size = matrix.target.parameter.element_size()
            # A kernel's matrix multiplies a row for each place of its output.
            zeros = (matrix.target.parameter.detach() == 0) | matrix.mask
            rows.append(
                MatrixReport(
                    name=matrix.target.key,
                    plan="weights",
                    structure=self.weights.structure.kind,
                    holds=bool(zeros.all()) and self.weights.structure.holds(matrix.mask_matrix),
                    entries=entries,
                    kept=kept,
                    macs=kept,
                    dense_macs=entries,
                    bytes=kept * size + math.ceil(entries / 8),
                    dense_bytes=entries * size,
                )
            )
        return rows

    def state(self) -> dict[str, Tensor]:
        state = {_STEP: torch.tensor(self.step)}
        for matrix in self.matrices:
            key = matrix.target.key
            state[_MASK + key] = pack_mask(matrix.mask)
            if matrix.dense is not None:
                state[_DENSE + key] = matrix.dense.detach().clone()
        return state

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        wanted = set(self.state())
        if set(state) != wanted:
            missing = sorted(wanted.symmetric_difference(state))
            raise MismatchError(
                f"got the state of another plan or model, which differs in {', '.join(missing[:4])}"
                "; apply the plan that wrote it, to the same model"
            )
        for matrix in self.matrices:
            if matrix.dense is not None:
                matrix.dense = state[_DENSE + matrix.target.key].to(matrix.dense).clone()
        self.restore_masks(state)
        self.thin()

    def restore_masks(self, state: Mapping[str, Tensor]) -> None:
        """Take over masks and step of a state; the model is not changed."""
        for matrix in self.matrices:
            packed, mask = state[_MASK + matrix.target.key], matrix.mask
            matrix.mask = unpack_mask(packed, mask.shape).to(mask.device)
            matrix.sparsity = 1 - float(matrix.mask.double().mean())
        self.step = int(state[_STEP])

    def choose(
        self, inputs: Mapping[str, InputStatistics], gradients: Mapping[str, Tensor]
    ) -> None:
        """Choose the first masks, from what calibration gave by key. The model is not changed."""
        plan = self.weights
        scores = self._scores(inputs, gradients)
        sparsities = self._sparsities(scores)
        for matrix, score, sparsity in zip(self.matrices, scores, sparsities, strict=True):
            mask = plan.structure.mask(score, sparsity)
            statistics = inputs.get(matrix.target.key)
            matrix.set_mask(plan.schedule.refined(mask, matrix.weight, statistics))
            matrix.sparsity = sparsity

    def to_config(self) -> dict[str, Any]:
        keys = [matrix.target.key for matrix in self.matrices]
        return {**super().to_config(), "matrices": keys}

    def saved(self) -> dict[str, Tensor]:
        return {name: value for name, value in self.state().items() if not name.startswith(_DENSE)}

    def _sparsities(self, scores: Sequence[Float[Tensor, "out in"]]) -> list[float]:
        """The sparsity of each matrix at the present step."""
        sizes = [matrix.target.sizes for matrix in self.matrices]
        reached = self.sparsity * self.weights.schedule.progress(self.step)
        return self.weights.distribution.sparsities(sizes, reached, scores)

    def _scores(
        self, inputs: Mapping[str, InputStatistics], gradients: Mapping[str, Tensor]
    ) -> list[Float[Tensor, "out in"]]:
        scores = []
        for matrix in self.matrices:
            key = matrix.target.key
            gradient = gradients.get(key)
            scored = ScoredMatrix(
                matrix.weight,
                seeds.torch_generator(self.seed, "random masks", key),
                None if gradient is None else matrix.target.matrix(gradient),
                inputs.get(key),
            )
            if self.step and self.weights.score.needs:
                scores.append(matrix.weight.float().abs())  # the calibration data are gone
            else:
                scores.append(self.weights.score(scored))
        return scores


def thinned(plan: WeightPlan, given: PlanInput) -> ThinnedWeights:
    """Choose masks and thin a model. Errors: as `Plan.apply`, before any change."""
    module = given.model.model
    targets = weight_matrices(module, given.sites)
    sizes = [target.sizes for target in targets]
    if not plan.distribution.reads_scores:
        _check(plan, targets, plan.distribution.sparsities(sizes, given.sparsity, []))
    weights = ThinnedWeights(plan, given.sparsity, given.seed, targets)
    inputs: dict[str, InputStatistics] = {}
    gradients: dict[str, Tensor] = {}
    if plan.reads_inputs:
        inputs = input_statistics(module, targets, given.batches)
    if "gradient" in plan.score.needs:
        parameters = [target.parameter for target in targets]
        values = loss_gradients(module, parameters, list(given.batches), given.loss)
        gradients = {target.key: value for target, value in zip(targets, values, strict=True)}
    weights.choose(inputs, gradients)
    if plan.distribution.reads_scores:
        _check(plan, targets, [matrix.sparsity for matrix in weights.matrices])
    weights.thin()
    return weights


def reopened(
    plan: WeightPlan, model: nn.Module, config: Mapping[str, Any], state: Mapping[str, Tensor]
) -> ThinnedWeights:
    """The plan as it was saved; the weights are loaded by the caller. Errors: MismatchError."""
    found = {matrix.key: matrix for matrix in weight_matrices(model, [""])}
    place = "the matrix {}, which the saved plan thins"
    targets = found_again(found, config["matrices"], place)
    weights = ThinnedWeights(plan, config["sparsity"], config["seed"], targets)
    weights.restore_masks(state)
    return weights


def _check(plan: WeightPlan, targets: Sequence[WeightMatrix], sparsities: Sequence[float]) -> None:
    """Errors: ConfigError for a matrix that the plan's components cannot thin, with its name."""
    for target, sparsity in zip(targets, sparsities, strict=True):
        shape = target.shape
        why = plan.structure.objection(shape, sparsity)
        why = why or plan.gradient_rule.objection(target, plan.structure, sparsity)
        if not why and not kept_count(shape[0] * shape[1], sparsity):
            why = "none of its entries is kept; give a lower sparsity"
        if why:
            raise ConfigError(
                f"got {target.key} {list(shape)} at sparsity {sparsity:g} with the structure "
                f"{plan.structure.kind!r}: {why}; or leave the matrix out of sites"
            )
