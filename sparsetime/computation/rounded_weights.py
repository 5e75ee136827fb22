"""A plan of bits at work: matrices whose entries are levels of a grid, with their scales."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sparsetime.computation.applied_plan import AppliedPlan, PlanInput, found_again
from sparsetime.computation.report import MatrixReport
from sparsetime.computation.weight_matrices import WeightMatrix, weight_matrices
from sparsetime.errors import ConfigError, MismatchError

if TYPE_CHECKING:
    from sparsetime.computation.bit_plan import BitPlan

_STEP, _SCALES, _WHOLE = "step", "scales/", "whole/"
_SCALE_BYTES = 4  # float32


@final
class RoundedMatrix:
    """A matrix whose entries are rounded.

    target: the matrix. scales: of its groups [groups, 1], in float32. whole: the weights before
    rounding, in the parameter's shape, while an optimiser trains them. original: those before the
    plan.
    """

    def __init__(self, target: WeightMatrix, group: int | None) -> None:
        self.target = target
        self.length = group or target.shape[1]
        self.scales = torch.zeros(0, 1)
        self.whole: Tensor | None = None
        self.original = target.parameter.detach().clone()

    def groups(self, parameter: Tensor) -> Float[Tensor, "groups length"]:
        """Values in the parameter's shape, a row for each group, in float32."""
        return self.target.matrix(parameter.detach()).float().reshape(-1, self.length)

    def parameter_of(self, groups: Float[Tensor, "groups length"]) -> Tensor:
        """Groups in the parameter's shape."""
        return self.target.unmatrix(groups.reshape(self.target.shape))


@final
class RoundedWeights(AppliedPlan):
    """The matrices that a plan rounds.

    step: optimiser steps since the plan was applied, while it was attached to an optimiser.
    """

    def __init__(self, plan: BitPlan, seed: int, targets: Sequence[WeightMatrix]) -> None:
        super().__init__(plan, 0.0, seed)
        self.bits = plan
        self.step = 0
        self.matrices = [RoundedMatrix(target, plan.group) for target in targets]

    @torch.no_grad()
    def round(self) -> None:
        """Round the present weights, with scales of their own."""
        grid = self.bits.grid
        for matrix in self.matrices:
            groups = matrix.groups(matrix.target.parameter)
            scale_of = grid.scales if self.bits.scale == "whole" else grid.nearest_scales
            matrix.scales = scale_of(groups)
            values = grid.values(grid.codes(groups, matrix.scales), matrix.scales)
            matrix.target.parameter.copy_(matrix.parameter_of(values))

    def codes(self, matrix: RoundedMatrix) -> Int[Tensor, "groups length"] | None:
        """The codes of a matrix; None where another plan gave it values off the grid."""
        parameter = matrix.target.parameter.detach()
        codes = self.bits.grid.codes(matrix.groups(parameter), matrix.scales)
        same = torch.equal(self.values(matrix, codes), parameter)
        return codes if same else None

    def values(self, matrix: RoundedMatrix, codes: Int[Tensor, "groups length"]) -> Tensor:
        """The weights that codes stand for, in the parameter's shape and dtype."""
        made = self.bits.grid.values(codes, matrix.scales)
        return matrix.parameter_of(made).to(matrix.target.parameter.dtype)

    def bytes_of_entry(self, matrix: RoundedMatrix) -> float:
        """Bytes of a code and its share of a scale."""
        return self.bits.grid.bits / 8 + _SCALE_BYTES / matrix.length

    def suspend(self) -> Callable[[], None]:
        """Put the weights back; what is returned puts the rounded ones in again."""
        if self.step:
            raise ConfigError(
                f"the model was trained for {self.step} steps since its weights were rounded, so "
                "that its earlier weights do not fit the rest of it; load the model again"
            )
        values = [matrix.target.parameter.detach().clone() for matrix in self.matrices]
        with torch.no_grad():
            for matrix in self.matrices:
                matrix.target.parameter.copy_(matrix.original)

        @torch.no_grad()
        def resume() -> None:
            for matrix, value in zip(self.matrices, values, strict=True):
                matrix.target.parameter.copy_(value)

        return resume

    def report(self) -> list[MatrixReport]:
        rows = []
        for matrix in self.matrices:
            parameter = matrix.target.parameter
            entries = parameter.numel()
            kept = int((parameter.detach() != 0).sum())
            rows.append(
                MatrixReport(
                    name=matrix.target.key,
                    plan="bits",
                    structure=f"{self.bits.grid.kind}, {self.bits.grid.bits} bits",
                    holds=self.codes(matrix) is not None,
                    entries=entries,
                    kept=kept,
                    macs=kept,
                    dense_macs=entries,
                    bytes=math.ceil(entries * self.bytes_of_entry(matrix)),
                    dense_bytes=entries * parameter.element_size(),
                )
            )
        return rows

    def state(self) -> dict[str, Tensor]:
        state = {_STEP: torch.tensor(self.step)}
        for matrix in self.matrices:
            state[_SCALES + matrix.target.key] = matrix.scales.clone()
            if matrix.whole is not None:
                state[_WHOLE + matrix.target.key] = matrix.whole.clone()
        return state

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        wanted = {name for name in self.state() if not name.startswith(_WHOLE)}
        if {name for name in state if not name.startswith(_WHOLE)} != wanted:
            raise MismatchError(
                "got the state of another plan of bits; apply the plan that wrote it, to the same "
                "model"
            )
        self.step = int(state[_STEP])
        for matrix in self.matrices:
            key = matrix.target.key
            matrix.scales = state[_SCALES + key].to(matrix.original.device).clone()
            whole = state.get(_WHOLE + key)
            matrix.whole = None if whole is None else whole.to(matrix.original).clone()

    def saved(self) -> dict[str, Tensor]:
        return {name: value for name, value in self.state().items() if not name.startswith(_WHOLE)}

    def to_config(self) -> dict[str, Any]:
        keys = [matrix.target.key for matrix in self.matrices]
        return {**super().to_config(), "matrices": keys}


def rounded(plan: BitPlan, given: PlanInput) -> RoundedWeights:
    """Round the weights of a model. Errors: as `Plan.apply`, before any change."""
    targets = weight_matrices(given.model.model, given.sites)
    for target in targets:
        if target.shape[1] % (plan.group or target.shape[1]):
            raise ConfigError(
                f"got {target.key} with {target.shape[1]} inputs, which groups of {plan.group} do "
                "not divide; choose another group, or leave the matrix out of sites"
            )
        if not bool(torch.isfinite(target.parameter).all()):
            raise ConfigError(f"got {target.key} with entries that are not finite; check the model")
    weights = RoundedWeights(plan, given.seed, targets)
    weights.round()
    return weights


def reopened_bits(
    plan: BitPlan, model: nn.Module, config: Mapping[str, Any], state: Mapping[str, Tensor]
) -> RoundedWeights:
    """The plan as it was saved; the weights are loaded by the caller. Errors: MismatchError."""
    found = {matrix.key: matrix for matrix in weight_matrices(model, [""])}
    place = "the matrix {}, which the saved plan rounds"
    targets = found_again(found, config["matrices"], place)
    weights = RoundedWeights(plan, config["seed"], targets)
    weights.load_state(state)
    return weights
