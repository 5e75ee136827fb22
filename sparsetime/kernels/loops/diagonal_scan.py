"""Numba loops of the diagonal scan h_t = a_t h_{t-1} + x_t and of its gradient."""

from __future__ import annotations

from numba import njit, prange

_FAST = {"contract", "reassoc", "nsz"}
_BLOCK = 32  # channels that one thread carries through time


@njit(cache=True, parallel=True, fastmath=_FAST)
def diagonal_scan(decay, inputs, start, out):
    """The states [batch, time, d] of every step; start [batch, d] is the state before the first.

    An axis of length 1 of decay is shared by all sequences, or by all steps.
    """
    batch, time, d = inputs.shape
    by_batch, by_time = decay.shape[0] > 1, decay.shape[1] > 1
    blocks = (d + _BLOCK - 1) // _BLOCK
    for item in prange(batch * blocks):
        b, first = item // blocks, item % blocks * _BLOCK
        last = min(d, first + _BLOCK)
        own = b if by_batch else 0
        for n in range(first, last):
            out[b, 0, n] = decay[own, 0, n] * start[b, n] + inputs[b, 0, n]
        for t in range(1, time):
            at = t if by_time else 0
            for n in range(first, last):
                out[b, t, n] = decay[own, at, n] * out[b, t - 1, n] + inputs[b, t, n]


@njit(cache=True, parallel=True, fastmath=_FAST)
def diagonal_scan_gradient(decay_conjugate, grad, out):
    """Gradients of the inputs: g_t = grad_t + conj(a_{t+1}) g_{t+1}, from the last step back."""
    batch, time, d = grad.shape
    by_batch, by_time = decay_conjugate.shape[0] > 1, decay_conjugate.shape[1] > 1
    blocks = (d + _BLOCK - 1) // _BLOCK
    for item in prange(batch * blocks):
        b, first = item // blocks, item % blocks * _BLOCK
        last = min(d, first + _BLOCK)
        own = b if by_batch else 0
        for n in range(first, last):
            out[b, time - 1, n] = grad[b, time - 1, n]
        for t in range(time - 2, -1, -1):
            at = t + 1 if by_time else 0
            for n in range(first, last):
                out[b, t, n] = grad[b, t, n] + decay_conjugate[own, at, n] * out[b, t + 1, n]
