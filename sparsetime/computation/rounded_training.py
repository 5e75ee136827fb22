"""Training of rounded weights by the step hooks of a torch optimiser."""

from __future__ import annotations

from typing import Any, final

import torch

from sparsetime.computation.rounded_weights import RoundedWeights
from sparsetime.computation.training_hooks import checked_optimiser


@final
class RoundedTraining:
    """Hooks that keep weights rounded while an optimiser trains those before rounding.

    Gradients are those of the rounded weights (straight-through). Outside of `optimiser.step()` the
    model holds the rounded weights. Of plans that thin the same matrices, what they do before a
    step comes behind `before`, and what they do after it before `behind`: masks are chosen and
    applied among weights that are not rounded.
    """

    def __init__(self, weights: RoundedWeights, optimiser: Any) -> None:
        """Errors: ConfigError for an optimiser without hooks or without a matrix of the plan."""
        self.weights = weights
        self.optimiser = checked_optimiser(
            optimiser, [m.target.parameter for m in weights.matrices]
        )
        for matrix in weights.matrices:
            if matrix.whole is None:
                matrix.whole = matrix.target.parameter.detach().clone()
        self._handles: list[Any] = [self.optimiser.register_step_pre_hook(self._before)]

    def add_behind(self) -> None:
        """Register what follows a step, once the hooks of other plans are registered."""
        self._handles.append(self.optimiser.register_step_post_hook(self._behind))

    def remove(self) -> None:
        """Remove the hooks; the model stays as it is."""
        for handle in self._handles:
            handle.remove()

    @torch.no_grad()
    def _before(self, *_: Any) -> None:
        for matrix in self.weights.matrices:
            assert matrix.whole is not None, "set at attach"
            matrix.target.parameter.copy_(matrix.whole)

    @torch.no_grad()
    def _behind(self, *_: Any) -> None:
        self.weights.step += 1
        for matrix in self.weights.matrices:
            assert matrix.whole is not None, "set at attach"
            matrix.whole.copy_(matrix.target.parameter)
        self.weights.round()
