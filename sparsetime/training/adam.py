"""Adam for dictionaries: gradient clipping, unit-norm rows, one pass over memory."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sparsetime import kernels
from sparsetime.kernels import AdamStep
from sparsetime.kernels.row_sparse import GradientRows, as_matrix, rows_of_gradient
from sparsetime.training.processes import Division

MOMENTS = ("exp_avg", "exp_avg_sq")


class Adam:
    """Adam with the gradient's norm clipped over all parameters, in place.

    unit_rows: the parameters whose rows w have length one. Their gradient g is projected onto the
    tangent, g - (g . w) w, and each row is normalised after the step. grad_clip: the largest
    Euclidean norm of all gradients together. division: whose latents and rows the gradients are of.

    A gradient that holds only the touched rows gives the same result as a dense one.

    Source: Kingma and Ba 2015, "Adam: A Method for Stochastic Optimization", arXiv:1412.6980.
    """

    def __init__(
        self,
        parameters: dict[str, nn.Parameter],
        unit_rows: set[str],
        rate: float,
        grad_clip: float,
        division: Division,
    ) -> None:
        self._parameters = parameters
        self._unit_rows = unit_rows
        self.rate = rate
        self._grad_clip = grad_clip
        self._division = division
        self.steps = 0
        self._moments = {
            name: (torch.zeros_like(p.detach()), torch.zeros_like(p.detach()))
            for name, p in parameters.items()
        }
        self._matrices = {
            name: (as_matrix(first), as_matrix(second))
            for name, (first, second) in self._moments.items()
        }

    @torch.no_grad()
    def step(self) -> None:
        """Update every parameter and clear the gradients; a missing gradient counts as zero."""
        self.steps += 1
        step = AdamStep(self.rate, self.steps)
        gradients = {
            name: rows_of_gradient(p.grad)
            for name, p in self._parameters.items()
            if p.grad is not None
        }
        gradients = self._division.gradients(gradients, self._parameters)
        for name in self._unit_rows & gradients.keys():
            kernels.project(gradients[name], self._parameters[name].detach())
        scale = self._scale(gradients)
        for name, parameter in self._parameters.items():
            gradient = gradients.get(name) or rows_of_gradient(torch.zeros_like(parameter))
            first, second = self._matrices[name]
            weight = as_matrix(parameter.detach())
            kernels.adam(weight, first, second, gradient, scale, step, name in self._unit_rows)
            parameter.grad = None

    def state(self) -> dict[str, Tensor]:
        """The moments of every parameter, and how many steps were taken."""
        tensors = {
            f"{moment}.{name}": value
            for name, moments in self._moments.items()
            for moment, value in zip(MOMENTS, moments, strict=True)
        }
        return {**tensors, "steps": torch.tensor(self.steps)}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Set the moments and the number of steps to what `state` returned."""
        self.steps = int(tensors["steps"])
        for name, moments in self._moments.items():
            for moment, value in zip(MOMENTS, moments, strict=True):
                value.copy_(tensors[f"{moment}.{name}"])

    # The norm of the rows that a sparse gradient holds is that of the whole: the rest is zero.
    def _scale(self, gradients: dict[str, GradientRows]) -> Tensor:
        norms = torch._foreach_norm([rows.values for rows in gradients.values()])
        total = self._division.norm(dict(zip(gradients, norms, strict=True)))
        scale: Tensor = self._grad_clip / total.clamp_min(1e-6)
        return scale.clamp_max(1.0)
