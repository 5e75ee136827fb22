"""The diagonal scan against its definition, by doubling and by compiled loops, with gradients."""

import pytest
import torch

from sparsetime import kernels, seeds
from sparsetime.kernels.diagonal_scan import diagonal_scan, diagonal_scan_by_doubling

TIME, D = 37, 40


def inputs(dtype, shape):
    generator = seeds.torch_generator(0, "random inputs")
    decay = 0.9 * torch.rand(*shape, D, generator=generator, dtype=torch.float64)
    if dtype.is_complex:
        decay = torch.polar(decay, torch.arange(D, dtype=torch.float64).expand(*shape, D) / 7.0)
    x = torch.randn(2, TIME, D, generator=generator, dtype=dtype)
    start = torch.randn(2, D, generator=generator, dtype=dtype)
    return [one.to(dtype).requires_grad_() for one in (decay, x, start)]


def by_steps(decay, x, start):
    """The states h_t = a_t h_{t-1} + x_t, one after another."""
    states, h = [], start
    for a, inputs in zip(decay.expand_as(x).unbind(1), x.unbind(1), strict=True):
        h = a * h + inputs
        states.append(h)
    return torch.stack(states, 1)


@pytest.mark.parametrize("shape", [(1, 1), (2, 1), (1, TIME), (2, TIME)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex64])
def test_loops_and_doubling_equal_the_definition_with_gradients(dtype, shape):
    tolerance = 1e-11 if dtype == torch.float64 else 1e-4
    arguments = inputs(dtype, shape)
    expected = by_steps(*arguments)
    wanted = torch.autograd.grad((expected.abs() ** 2).sum(), arguments)
    for function in (diagonal_scan, diagonal_scan_by_doubling):
        states = function(*arguments)
        torch.testing.assert_close(states, expected, rtol=tolerance, atol=tolerance)
        found = torch.autograd.grad((states.abs() ** 2).sum(), arguments)
        for one, other in zip(found, wanted, strict=True):
            torch.testing.assert_close(one, other, rtol=tolerance, atol=10 * tolerance)


def test_other_kernels_than_the_loops_give_the_same_states_from_no_past():
    decay, x, _ = inputs(torch.float64, (1, 1))
    with kernels.use("reference"):
        states = diagonal_scan(decay, x)
    torch.testing.assert_close(states, diagonal_scan(decay, x))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_16_bits_are_scanned_in_float32(dtype):
    arguments = inputs(dtype, (2, TIME))
    states = diagonal_scan(*arguments)
    expected = by_steps(*(one.detach().float() for one in arguments))
    torch.testing.assert_close(states, expected.to(dtype), rtol=1e-2, atol=1e-2)
    gradients = torch.autograd.grad(states.float().sum(), arguments)
    assert {one.dtype for one in gradients} == {dtype}
    assert all(one.isfinite().all() for one in gradients)
