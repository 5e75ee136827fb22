"""Associative memories step by step in plain PyTorch: what `associative_memory` must equal."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.kernels.associative_memory import (
    Errors,
    MemoryPass,
    MemoryState,
    Slope,
)
from sparsetime.kernels.memory_coefficients import Rates


def associative_memory_by_steps(
    q: Float[Tensor, "batch heads time d_key"],
    k: Float[Tensor, "batch heads time d_key"],
    v: Float[Tensor, "batch heads time d_value"],
    rates: Rates,
    errors: Errors,
    slope: Slope | None = None,
    chunk: int = 64,
    state: MemoryState | None = None,
) -> MemoryPass:
    """The same arguments and results as `associative_memory`, one step after another.

    S_t = m_t S_{t-1} - r_t k_t e_t^T,   W_t = a_t W_{t-1} + S_t,   y_t = q_t W_t
    """
    batch, heads, time, d_key = q.shape
    zero = q.new_zeros(batch, heads, d_key, v.shape[-1])
    memory = zero if state is None else state.memory
    momentum = None if rates.log_momentum is None else zero
    anchor = zero if errors == "chunk" else None
    phase = 0
    if state is not None:
        momentum, anchor, phase = state.momentum, state.anchor, state.phase
    per_step = [_by_step(x, time) for x in (rates.log_retention.exp(), rates.rate)]
    carried = None if rates.log_momentum is None else _by_step(rates.log_momentum.exp(), time)
    queries, keys, values = (x.unbind(2) for x in (q, k, v))
    outputs, errors_of = [], []
    for t in range(time):
        key, value = keys[t][..., None, :], values[t][..., None, :]
        if errors == "value":
            error = -value
        else:
            error = key @ (memory if anchor is None else anchor) - value
            error = error if slope is None else slope(error)
            errors_of.append(error[..., 0, :])
        write = per_step[1][t] * key.transpose(-1, -2) @ error
        kept = per_step[0][t] * memory
        if momentum is None or carried is None:
            memory = kept - write
        else:
            momentum = carried[t] * momentum - write
            memory = kept + momentum
        outputs.append((queries[t][..., None, :] @ memory)[..., 0, :])
        if errors == "chunk":
            phase = (phase + 1) % chunk
            anchor = memory if phase == 0 else anchor
    missed = torch.stack(errors_of, 2) if errors_of else None
    return MemoryPass(torch.stack(outputs, 2), MemoryState(memory, momentum, anchor, phase), missed)


def _by_step(x: Float[Tensor, "#batch heads #time"], time: int) -> tuple[Tensor, ...]:
    parts = x[..., None, None].unbind(2)
    return parts if len(parts) == time else parts * time
