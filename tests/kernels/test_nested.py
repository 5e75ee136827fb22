"""The squared error of nested prefixes, against plain sums."""

from importlib.util import find_spec

import pytest
import torch

from sparsetime import kernels
from sparsetime.kernels import Support

needs_triton = pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed")
DEVICES = {"gpu": "cuda" if torch.cuda.is_available() else "cpu"}
ENDS, SHARES = (2, 3, 9), (0.5, 0.2, 0.3)


def problem(seed=0):
    generator = torch.Generator().manual_seed(seed)
    counts = [3, 0, 5, 1]
    rows = [torch.randperm(9, generator=generator)[:n].sort().values for n in counts]
    support = Support(torch.tensor([0, *counts]).cumsum(0), torch.cat(rows), 9)
    values = torch.randn(9, generator=generator)
    atoms, bias, target = (torch.randn(*n, 6, generator=generator) for n in ((9,), (), (4,)))
    return support, [tensor.requires_grad_() for tensor in (values, atoms, bias, target)]


def plain(support, values, atoms, bias, target):
    dense = torch.zeros(4, 9).index_put((support.row_of_entry, support.indices), values)
    residuals = [target - bias - dense[:, :end] @ atoms[:end] for end in ENDS]
    errors = torch.stack([residual.square().sum(1).mean() for residual in residuals])
    return errors @ torch.tensor(SHARES), residuals[-1]


@pytest.mark.parametrize("name", ["reference", "cpu", pytest.param("gpu", marks=needs_triton)])
def test_error_and_gradients_are_those_of_plain_sums(name):
    device = DEVICES.get(name, "cpu")
    support, tensors = problem()
    expected, residual = plain(support, *tensors)
    slopes = torch.autograd.grad(3 * expected, tensors)
    there = Support(support.offsets.to(device), support.indices.to(device), 9)
    moved = [tensor.detach().to(device).requires_grad_() for tensor in tensors]
    with kernels.use(name):
        error, left = kernels.squared_error(moved[0], there, *moved[1:], ENDS, SHARES)
        own = torch.autograd.grad(3 * error, moved)
    torch.testing.assert_close(error.cpu(), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(left.cpu(), residual.detach(), rtol=1e-4, atol=1e-5)
    assert not left.requires_grad
    for a, b in zip(own, slopes, strict=True):
        torch.testing.assert_close(a.cpu(), b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["reference", "cpu", pytest.param("gpu", marks=needs_triton)])
def test_one_group_is_the_plain_error(name):
    device = DEVICES.get(name, "cpu")
    support, tensors = problem()
    values, atoms, bias, target = tensors
    whole = target - bias - kernels.decode(values, support, atoms)
    slopes = torch.autograd.grad(whole.square().sum(1).mean(), tensors)
    there = Support(support.offsets.to(device), support.indices.to(device), 9)
    moved = [tensor.detach().to(device).requires_grad_() for tensor in tensors]
    with kernels.use(name):
        error, left = kernels.squared_error(moved[0], there, *moved[1:], (9,))
        own = torch.autograd.grad(error, moved)
    torch.testing.assert_close(error.cpu(), whole.square().sum(1).mean())
    torch.testing.assert_close(left.cpu(), whole.detach())
    for a, b in zip(own, slopes, strict=True):
        torch.testing.assert_close(a.cpu(), b, rtol=1e-4, atol=1e-5)
