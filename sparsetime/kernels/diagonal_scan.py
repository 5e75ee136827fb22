"""Diagonal scan: linear recurrences of independent channels, real or complex, with gradients.

    h_t = a_t * h_{t-1} + x_t

Compiled loops on a CPU; elsewhere a doubling of distances, in log2(time) products of whole tensors.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor

from sparsetime.kernels.dispatch import backend_name


def diagonal_scan(
    decay: Shaped[Tensor, "#batch #time d"],
    inputs: Shaped[Tensor, "batch time d"],
    start: Shaped[Tensor, "batch d"] | None = None,
) -> Shaped[Tensor, "batch time d"]:
    """The state of every step; decay may be shared by sequences, by steps, or by both.

    start: the state before the first step; zero without it. All have one dtype, real or complex;
    that of 16 bits is scanned in float32.
    """
    if start is None:
        start = torch.zeros_like(inputs[:, 0])
    if inputs.dtype in (torch.float16, torch.bfloat16):  # compiled loops have neither
        exact = diagonal_scan(decay.float(), inputs.float(), start.float())
        return exact.to(inputs.dtype)
    if backend_name(inputs.device) != "cpu":
        return diagonal_scan_by_doubling(decay, inputs, start)
    states: Tensor = _Scan.apply(decay, inputs, start)  # type: ignore[no-untyped-call]
    return states


def diagonal_scan_by_doubling(
    decay: Shaped[Tensor, "#batch #time d"],
    inputs: Shaped[Tensor, "batch time d"],
    start: Shaped[Tensor, "batch d"],
) -> Shaped[Tensor, "batch time d"]:
    """The same states, by doubling the distance over which steps are joined (Hillis and Steele).

    After the round of distance n, entry t holds the composed map of the steps t - 2n + 1 to t.
    """
    product = decay.expand_as(inputs)
    states = torch.cat([inputs[:, :1] + product[:, :1] * start[:, None], inputs[:, 1:]], 1)
    distance = 1
    while distance < inputs.shape[1]:
        joined = states[:, distance:] + product[:, distance:] * states[:, :-distance]
        states = torch.cat([states[:, :distance], joined], 1)
        product = torch.cat(
            [product[:, :distance], product[:, distance:] * product[:, :-distance]], 1
        )
        distance *= 2
    return states


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, decay: Tensor, inputs: Tensor, start: Tensor) -> Tensor:
        from sparsetime.kernels import loops

        out = torch.empty_like(inputs, memory_format=torch.contiguous_format)
        loops.diagonal_scan(*(_array(x) for x in (decay, inputs, start, out)))
        ctx.save_for_backward(decay, start, out)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        from sparsetime.kernels import loops

        decay, start, states = ctx.saved_tensors
        to_inputs = torch.empty_like(states)
        arrays = (decay.conj(), grads[0], to_inputs)
        loops.diagonal_scan_gradient(*(_array(x) for x in arrays))
        to_decay = None
        if ctx.needs_input_grad[0]:
            to_decay = torch.cat(
                [
                    to_inputs[:, :1] * start[:, None].conj(),
                    to_inputs[:, 1:] * states[:, :-1].conj(),
                ],
                1,
            ).sum_to_size(decay.shape)
        return to_decay, to_inputs, decay[:, 0].conj() * to_inputs[:, 0]


def _array(x: Tensor) -> Any:
    """A contiguous NumPy array, since a loop is compiled for each layout."""
    return x.detach().resolve_conj().contiguous().numpy()
