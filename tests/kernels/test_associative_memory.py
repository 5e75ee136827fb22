"""Chunked associative memories against the recurrence step by step, in float64 and float32."""

from itertools import product

import pytest
import torch
from torch.nn.functional import logsigmoid, normalize

from sparsetime import seeds
from sparsetime.kernels import Rates, associative_memory
from sparsetime.kernels.associative_memory_reference import associative_memory_by_steps
from sparsetime.kernels.memory_coefficients import decay_matrix

CHUNK = 5
TIME = 23
KINDS = [
    *product(("value", "chunk", "step"), (False, True), (False, True), [None]),
    ("chunk", True, False, 0.5),
]


def inputs(with_momentum, is_fixed, dtype=torch.float64, time=TIME):
    generator = seeds.torch_generator(0, "random inputs")

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)

    q, k, v = draw(2, 2, time, 4), normalize(draw(2, 2, time, 4), dim=-1), draw(2, 2, time, 3)
    retention = logsigmoid(draw(1, 2, 1) if is_fixed else draw(2, 2, time))
    momentum = logsigmoid(draw(2, 2, time)) if with_momentum else None
    return q, k, v, Rates(retention, draw(2, 2, time).sigmoid(), momentum)


def cut(rates, start, stop):
    parts = (rates.log_retention, rates.rate, rates.log_momentum)
    return Rates(*(x if x is None or x.shape[2] == 1 else x[:, :, start:stop] for x in parts))


def slope_of(huber):
    return None if huber is None else lambda error: error.clamp(-huber, huber)


@pytest.mark.parametrize(("errors", "with_momentum", "is_fixed", "huber"), KINDS)
def test_chunks_equal_steps_with_gradients_and_in_pieces(errors, with_momentum, is_fixed, huber):
    q, k, v, rates = inputs(with_momentum, is_fixed)
    slope = slope_of(huber)
    leaves = [q, k, v, rates.log_retention, rates.rate]
    leaves += [rates.log_momentum] if with_momentum else []
    for leaf in leaves:
        leaf.requires_grad_()
    gradients = []
    results = []
    for function in (associative_memory, associative_memory_by_steps):
        y, state, missed = function(q, k, v, rates, errors, slope, CHUNK)
        total = (y * y.detach().cos()).sum() + state.memory.square().sum()
        gradients.append(torch.autograd.grad(total, leaves))
        results.append((y.detach(), state, missed))
    (y, state, missed), (expected, expected_state, expected_errors) = results
    torch.testing.assert_close(y, expected, rtol=1e-12, atol=1e-12)
    assert state.phase == expected_state.phase
    assert (missed is None) == (errors == "value")
    if missed is not None:
        torch.testing.assert_close(missed, expected_errors, rtol=1e-12, atol=1e-12)
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-11)
    begin, state, pieces = 0, None, []
    with torch.no_grad():
        for steps in (1, 3, 7, 2, 10):
            part = (x[:, :, begin : begin + steps] for x in (q, k, v))
            of_piece = cut(rates, begin, begin + steps)
            y, state, _ = associative_memory(*part, of_piece, errors, slope, CHUNK, state)
            pieces.append(y)
            begin += steps
    torch.testing.assert_close(torch.cat(pieces, 2), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("errors", ["value", "chunk", "step"])
def test_float32_chunks_are_within_1e_6_of_the_float64_recurrence(errors):
    arguments = inputs(errors == "chunk", False, time=256)
    exact, *_ = associative_memory_by_steps(*arguments, errors, None, 32)
    q, k, v, rates = arguments
    single = Rates(
        *(
            x if x is None else x.float()
            for x in (rates.log_retention, rates.rate, rates.log_momentum)
        )
    )
    y, *_ = associative_memory(q.float(), k.float(), v.float(), single, errors, None, 32)
    assert (y - exact).abs().max() / exact.abs().max() < 1e-6


def test_decays_near_zero_and_one_over_64k_steps_stay_finite():
    time = 65_536
    generator = seeds.torch_generator(0, "random inputs")
    q = torch.randn(1, 1, time, 2, generator=generator)
    k = normalize(torch.randn(1, 1, time, 2, generator=generator), dim=-1)
    extremes = torch.tensor([-1e-7, -50.0]).repeat(time // 2)[None, None]
    rates = Rates(extremes, torch.ones(1, 1, 1), extremes.flip(2))
    y, state, _ = associative_memory(q, k, q, rates, "chunk")
    assert y.isfinite().all()
    assert state.memory.isfinite().all()


def test_a_decay_matrix_is_lower_triangular_products_with_finite_gradients():
    log_factor = torch.tensor([-0.5, -200.0, -1.0], requires_grad=True)
    matrix = decay_matrix(log_factor)
    assert matrix[0, 0] == 1
    assert matrix[2, 1].item() == pytest.approx(0.36787944)
    assert matrix.triu(1).abs().sum() == 0
    matrix.sum().backward()
    assert log_factor.grad.isfinite().all()
