"""Associative memories written along keys, in chunks: linear attention, delta rule, Titans, Miras.

Every memory of this file is a matrix W that is read by queries and written along keys:

    S_t = m_t S_{t-1} - r_t k_t e_t^T        momentum m, rate r
    W_t = a_t W_{t-1} + S_t                  retention a
    y_t = q_t W_t

The error e decides which model it is; W_c is the memory where the chunk of steps began:

    "value"    e_t = -v_t                      linear attention; lightning attention with a < 1
    "chunk"    e_t = f(k_t W_c - v_t)          Titans, Miras
    "step"     e_t = k_t W_{t-1} - v_t         delta rule

f is the gradient of a loss of the error, such as a clip (Huber) in Miras. Within a chunk this is
one lower-triangular matrix M of retention, momentum and rate,

    y = b * qW + p * qS - (qk^T o M) e,      M[t, j] = sum_{i=j..t} a_{i+1..t} m_{j+1..i} r_j

so time is linear in length and no step is a Python loop. Gradients are those of the operations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from sparsetime.kernels.memory_coefficients import Coefficients, Rates

Errors = Literal["value", "chunk", "step"]
#: The gradient of a loss of the error, elementwise.
Slope = Callable[[Tensor], Tensor]


@final
@dataclass(frozen=True)
class MemoryState:
    """What a memory carries from step to step.

    memory: W. momentum: S, None where the memory has none. anchor: W where the present chunk began,
    None where errors do not depend on chunks. phase: steps of that chunk that are over.
    """

    memory: Float[Tensor, "batch heads d_key d_value"]
    momentum: Float[Tensor, "batch heads d_key d_value"] | None = None
    anchor: Float[Tensor, "batch heads d_key d_value"] | None = None
    phase: int = 0


class MemoryPass(NamedTuple):
    """What a memory returns of consecutive steps, and what it carries to the next.

    outputs: y. errors: e of every step; None for "value" errors, which no prediction enters.
    """

    outputs: Float[Tensor, "batch heads *time d_value"]
    state: MemoryState
    errors: Float[Tensor, "batch heads *time d_value"] | None = None


def associative_memory(
    q: Float[Tensor, "batch heads time d_key"],
    k: Float[Tensor, "batch heads time d_key"],
    v: Float[Tensor, "batch heads time d_value"],
    rates: Rates,
    errors: Errors,
    slope: Slope | None = None,
    chunk: int = 64,
    state: MemoryState | None = None,
) -> MemoryPass:
    """What the memory returns at every step, its state after the last, and its errors.

    chunk: steps that are computed together; for "chunk" errors it is part of the model, since they
    are taken against the memory at the chunk's beginning. A sequence may end within a chunk, and
    the next call continues it.
    """
    batch, heads, time, d_key = q.shape
    if time == 1:  # a step of a stream, for which the matrices of a chunk are a detour
        from sparsetime.kernels.associative_memory_reference import associative_memory_by_steps

        return associative_memory_by_steps(q, k, v, rates, errors, slope, chunk, state)
    if state is None:
        zero = q.new_zeros(batch, heads, d_key, v.shape[-1])
        has_momentum = rates.log_momentum is not None
        state = MemoryState(
            zero, zero if has_momentum else None, zero if errors == "chunk" else None
        )
    outputs, missed = [], []
    for start, stop, length in _pieces(time, chunk, state.phase if errors == "chunk" else 0):
        queries, keys, values = (x[:, :, start:stop].unflatten(2, (-1, length)) for x in (q, k, v))
        of_piece = _piece_rates(rates, start, stop, length)
        y, state, error = _chunks(queries, keys, values, of_piece, errors, slope, state)
        outputs.append(y.flatten(2, 3))
        if error is not None:
            missed.append(error.flatten(2, 3))
        if errors == "chunk":
            state = _advance(state, stop - start, chunk)
    return MemoryPass(_joined(outputs), state, _joined(missed) if missed else None)


def _joined(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts, 2)


def _pieces(time: int, chunk: int, phase: int) -> list[tuple[int, int, int]]:
    """Start, stop and chunk length: the rest of an open chunk, whole chunks, what remains."""
    head = min(time, chunk - phase) if phase else 0
    whole = (time - head) // chunk * chunk
    cuts = [(0, head, head), (head, head + whole, chunk), (head + whole, time, time - head - whole)]
    return [cut for cut in cuts if cut[1] > cut[0]]


def _advance(state: MemoryState, steps: int, chunk: int) -> MemoryState:
    phase = (state.phase + steps) % chunk
    anchor = state.memory if phase == 0 else state.anchor
    return MemoryState(state.memory, state.momentum, anchor, phase)


def _piece_rates(rates: Rates, start: int, stop: int, length: int) -> Rates:
    def cut(x: Tensor) -> Tensor:
        if x.shape[2] == 1:
            return x[:, :, None].expand(-1, -1, -1, length)
        pieces: Tensor = x[:, :, start:stop].unflatten(2, (-1, length))
        return pieces

    momentum = rates.log_momentum
    return Rates(
        cut(rates.log_retention), cut(rates.rate), None if momentum is None else cut(momentum)
    )


def _chunks(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    rates: Rates,
    errors: Errors,
    slope: Slope | None,
    state: MemoryState,
) -> MemoryPass:
    """Chunks [batch, heads, chunks, C, d] of one length, one after another."""
    coefficients = Coefficients.of(rates)
    within = (q @ k.transpose(-1, -2)) * coefficients.matrix
    if errors == "value":
        return _written_values(q, k, v, within, coefficients, state)
    return _predicted(q, k, v, within, coefficients, errors, slope, state)


def _written_values(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    within: Tensor,
    coefficients: Coefficients,
    state: MemoryState,
) -> MemoryPass:
    """Errors that depend on values alone: all chunks in parallel, but for a sum of their writes."""
    chunks = q.shape[2]
    writes = ((k * coefficients.matrix[..., -1, :, None]).transpose(-1, -2) @ v).unbind(2)
    kept = _of_chunks(coefficients.read[..., -1, None, None], chunks)
    memory, momentum, push = state.memory, state.momentum, coefficients.momentum
    memories = []
    if momentum is None or push is None:
        for factor, write in zip(kept, writes, strict=True):
            memories.append(memory)
            memory = factor * memory + write
        y = within @ v + coefficients.read[..., None] * (q @ torch.stack(memories, 2))
        return MemoryPass(y, MemoryState(memory))
    momenta = []
    pushed = ((k * push.written[..., None]).transpose(-1, -2) @ v).unbind(2)
    shares = _of_chunks(push.read[..., -1, None, None], chunks)
    carried = _of_chunks(push.kept[..., None, None], chunks)
    for factor, write, share, rest, new in zip(kept, writes, shares, carried, pushed, strict=True):
        memories.append(memory)
        momenta.append(momentum)
        memory = factor * memory + share * momentum + write
        momentum = rest * momentum + new
    y = within @ v + coefficients.read[..., None] * (q @ torch.stack(memories, 2))
    y = y + push.read[..., None] * (q @ torch.stack(momenta, 2))
    return MemoryPass(y, MemoryState(memory, momentum))


def _predicted(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    within: Tensor,
    coefficients: Coefficients,
    errors: Errors,
    slope: Slope | None,
    state: MemoryState,
) -> MemoryPass:
    """Errors of a prediction by the memory: chunk after chunk, each by a few products.

    The lists are made by `unbind`: an index per chunk would cost a tensor of the whole length in
    every step of the backward pass.
    """
    chunks, push = q.shape[2], coefficients.momentum
    targets, keys, from_momentum = v, k, None
    if errors == "step":
        targets, keys, from_momentum = _solved(k, v, coefficients)
    written = (k * coefficients.matrix[..., -1, :, None]).transpose(-1, -2)
    kept = _of_chunks(coefficients.read[..., -1, None, None], chunks)
    reads = (q * coefficients.read[..., None]).unbind(2)
    parts = [x.unbind(2) for x in (keys, targets, within, written)]
    of_momentum: tuple[tuple[Tensor, ...], ...] = ()
    if push is not None:
        of_momentum = (
            (q * push.read[..., None]).unbind(2),
            _of_chunks(push.read[..., -1, None, None], chunks),
            _of_chunks(push.kept[..., None, None], chunks),
            (k * push.written[..., None]).transpose(-1, -2).unbind(2),
        )
    known = None if from_momentum is None else from_momentum.unbind(2)
    memory, momentum, anchor = state.memory, state.momentum, state.anchor
    outputs, errors_of = [], []
    for n in range(chunks):
        key, target, inner, write = (one[n] for one in parts)
        error = key @ (memory if n or anchor is None else anchor) - target
        if known is not None and momentum is not None:
            error = error + known[n] @ momentum
        if slope is not None:
            error = slope(error)
        errors_of.append(error)
        y = reads[n] @ memory - inner @ error
        memory = kept[n] * memory - write @ error
        if momentum is not None:
            read, share, rest, pushed = (one[n] for one in of_momentum)
            y = y + read @ momentum
            memory = memory + share * momentum
            momentum = rest * momentum - pushed @ error
        outputs.append(y)
    after = MemoryState(memory, momentum, anchor, state.phase)
    return MemoryPass(torch.stack(outputs, 2), after, torch.stack(errors_of, 2))


def _solved(
    k: Tensor, v: Tensor, coefficients: Coefficients
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Targets and keys with which the delta rule's errors are a product with the state.

        e = b' * kW + p' * kS - v - (kk^T o M') e
        e = (I + kk^T o M')^{-1} (b' * kW + p' * kS - v)

    Primes are coefficients of the step before: errors are against the memory before the write.
    """
    earlier = pad(coefficients.matrix[..., :-1, :], (0, 0, 1, 0))
    before = pad(coefficients.read[..., :-1], (1, 0), value=1.0)
    system = (k @ k.transpose(-1, -2)) * earlier
    right = [v, k * before[..., None]]
    if coefficients.momentum is not None:
        pushed = pad(coefficients.momentum.read[..., :-1], (1, 0))
        right.append(k * pushed[..., None])
    # The diagonal is taken as 1, and so need not be added.
    solved = torch.linalg.solve_triangular(
        system, torch.cat(right, -1), upper=False, unitriangular=True
    )
    parts = solved.split([one.shape[-1] for one in right], -1)
    return parts[0], parts[1], parts[2] if len(parts) == 3 else None


def _of_chunks(x: Tensor, chunks: int) -> tuple[Tensor, ...]:
    """A factor for every chunk; one that all chunks share is repeated."""
    parts = x.unbind(2)
    return parts if len(parts) == chunks else parts * chunks
