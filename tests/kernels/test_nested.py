"""The errors of nested prefixes, against plain sums."""

from importlib.util import find_spec

import pytest
import torch

from sparsetime import kernels
from sparsetime.kernels import Support

needs_triton = pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed")
DEVICES = {"gpu": "cuda" if torch.cuda.is_available() else "cpu"}
ENDS = (2, 3, 9)


def problem(seed=0):
    generator = torch.Generator().manual_seed(seed)
    counts = [3, 0, 5, 1]
    rows = [torch.randperm(9, generator=generator)[:n].sort().values for n in counts]
    support = Support(torch.tensor([0, *counts]).cumsum(0), torch.cat(rows), 9)
    values = torch.randn(9, generator=generator)
    atoms, aim = (torch.randn(n, 6, generator=generator) for n in (9, 4))
    return support, [tensor.requires_grad_() for tensor in (values, atoms, aim)]


def plain(support, values, atoms, aim):
    dense = torch.zeros(4, 9).index_put((support.row_of_entry, support.indices), values)
    return torch.stack(
        [(dense[:, :end] @ atoms[:end] - aim).square().sum(1).mean() for end in ENDS]
    )


@pytest.mark.parametrize("name", ["reference", "cpu", pytest.param("gpu", marks=needs_triton)])
def test_errors_and_gradients_are_those_of_plain_sums(name):
    device = DEVICES.get(name, "cpu")
    support, tensors = problem()
    weights = torch.tensor([1.0, -2.0, 0.5])
    expected = plain(support, *tensors)
    slopes = torch.autograd.grad((expected * weights).sum(), tensors)
    there = Support(support.offsets.to(device), support.indices.to(device), 9)
    moved = [tensor.detach().to(device).requires_grad_() for tensor in tensors]
    with kernels.use(name):
        found = kernels.nested_errors(moved[0], there, moved[1], moved[2], ENDS)
        own = torch.autograd.grad((found * weights.to(device)).sum(), moved)
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-4, atol=1e-5)
    for a, b in zip(own, slopes, strict=True):
        torch.testing.assert_close(a.cpu(), b, rtol=1e-4, atol=1e-5)


def test_one_group_is_the_plain_error():
    support, (values, atoms, aim) = problem()
    whole = kernels.decode(values, support, atoms) - aim
    found = kernels.nested_errors(values, support, atoms, aim, (9,))
    torch.testing.assert_close(found, whole.square().sum(1).mean()[None])
