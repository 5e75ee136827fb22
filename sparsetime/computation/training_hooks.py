"""Training of thinned weights by the step hooks of a torch optimiser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import torch
from torch import Tensor, nn

from sparsetime.computation.backward_product import BackwardProduct
from sparsetime.computation.masked_matrix import MaskedMatrix
from sparsetime.computation.thinned_weights import ThinnedWeights
from sparsetime.errors import ConfigError


@final
class TrainingHooks:
    """Hooks that keep a model thinned while an optimiser trains it.

    Outside of `optimiser.step()` the model holds the thinned weights, so that forward passes,
    checkpoints and other processes need nothing. Before a step, dense weights are put back where
    the gradient rule keeps them; behind it, the schedule changes masks, the optimiser's moments of
    changed entries are set to zero, and the weights are thinned again.

    Gradients of removed weights are removed as they are computed, so that clipping sees those that
    count; but not before steps at which weights are regrown by gradient, which read all of them.
    """

    def __init__(self, weights: ThinnedWeights, optimiser: Any) -> None:
        """Errors: ConfigError for an optimiser without hooks or without a matrix of the plan."""
        self.weights = weights
        self.optimiser = checked_optimiser(
            optimiser, [m.target.parameter for m in weights.matrices]
        )
        weights.keep_dense()  # of a plan that was opened from files
        for matrix in weights.matrices:
            if matrix.dense is None:
                self._reset_moments(matrix, ~matrix.mask)
        self._gradients: dict[str, Tensor] = {}
        self._handles: list[Any] = [
            self.optimiser.register_step_pre_hook(self._before),
            self.optimiser.register_step_post_hook(self._behind),
        ]
        rule = weights.weights.gradient_rule
        for matrix in weights.matrices:
            if not rule.keeps_dense:
                hook = self._masking(matrix)
                self._handles.append(
                    matrix.target.parameter.register_post_accumulate_grad_hook(hook)
                )
            elif rule.has_backward_mask:
                self._handles.append(BackwardProduct(matrix.target.module, self._backward(matrix)))

    def remove(self) -> None:
        """Remove all hooks; the model stays as it is."""
        for handle in self._handles:
            handle.remove()

    @torch.no_grad()
    def _before(self, *_: Any) -> None:
        weights, rule = self.weights, self.weights.weights.gradient_rule
        reads = weights.weights.schedule.needs_gradient(weights.step + 1)
        for matrix in weights.matrices:
            parameter = matrix.target.parameter
            gradient = parameter.grad
            if gradient is not None and reads:
                self._gradients[matrix.target.key] = gradient.clone()
            if matrix.dense is not None:
                parameter.copy_(matrix.dense)
                if gradient is not None:
                    gradient.copy_(rule.gradient(gradient, parameter, matrix.mask, weights.step))
            elif gradient is not None and reads:  # otherwise masked as it was computed
                matrix.remove(gradient)

    @torch.no_grad()
    def _behind(self, *_: Any) -> None:
        weights = self.weights
        weights.step += 1
        for matrix in weights.matrices:
            if matrix.dense is not None:
                matrix.dense.copy_(matrix.target.parameter)
        if weights.weights.schedule.is_update(weights.step):
            changed = weights.update(self._gradients)
            self._gradients = {}
            for matrix in weights.matrices:
                if matrix.dense is None:
                    self._reset_moments(matrix, changed[matrix.target.key])
        weights.thin()

    def _masking(self, matrix: MaskedMatrix) -> Callable[[Tensor], None]:
        def mask(parameter: Tensor) -> None:
            weights = self.weights
            if parameter.grad is None or weights.weights.schedule.needs_gradient(weights.step + 1):
                return
            matrix.remove(parameter.grad)

        return mask

    def _backward(self, matrix: MaskedMatrix) -> Callable[[], Tensor]:
        plan = self.weights.weights

        def weights() -> Tensor:
            assert matrix.dense is not None, "kept by every rule with has_backward_mask"
            mask = plan.gradient_rule.backward_mask(matrix.dense, plan.structure, matrix.sparsity)
            assert mask is not None
            return matrix.dense * mask

        return weights

    def _reset_moments(self, matrix: MaskedMatrix, where: Tensor) -> None:
        """Set the optimiser's averages of these entries to zero, whatever it calls them."""
        parameter = matrix.target.parameter
        for value in self.optimiser.state.get(parameter, {}).values():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                value.masked_fill_(where, 0)


def checked_optimiser(optimiser: Any, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """The torch optimiser within wrappers such as those of accelerate.

    Errors: ConfigError for one without step hooks, for LBFGS, and where it lacks parameters.
    """
    while isinstance(getattr(optimiser, "optimizer", None), torch.optim.Optimizer):
        optimiser = optimiser.optimizer
    if not isinstance(optimiser, torch.optim.Optimizer):
        raise ConfigError(
            f"got {type(optimiser).__name__} as optimiser, which has no step hooks, expected a "
            "torch.optim.Optimizer; give the one that your training loop calls step() of"
        )
    if isinstance(optimiser, torch.optim.LBFGS):
        raise ConfigError(
            "got LBFGS, which computes the loss several times within a step, expected an optimiser "
            "with one gradient a step, such as AdamW or SGD"
        )
    trained = {id(p) for group in optimiser.param_groups for p in group["params"]}
    lacking = sum(id(parameter) not in trained for parameter in parameters)
    if lacking:
        raise ConfigError(
            f"got an optimiser that lacks {lacking} of the {len(parameters)} thinned matrices, "
            "expected all of them; make it from model.parameters() of the model that was thinned, "
            "or thin fewer sites"
        )
    return optimiser
