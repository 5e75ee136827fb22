"""One step of Adam in one pass, and gradients of the touched rows alone."""

from importlib.util import find_spec

import pytest
import torch

from sparsetime import kernels
from sparsetime.kernels import AdamStep, GradientRows, Support
from sparsetime.kernels.row_sparse import as_gradient, rows_of_gradient

needs_triton = pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed")
DEVICES = {"gpu": "cuda" if torch.cuda.is_available() else "cpu"}


@pytest.fixture(params=["reference", "cpu", pytest.param("gpu", marks=needs_triton)])
def device(request):
    """Where the tensors of one implementation lie, which is the one that runs."""
    with kernels.use(request.param):
        yield DEVICES.get(request.param, "cpu")


def test_it_is_torchs_adam(device):
    torch.manual_seed(0)
    weight = torch.randn(7, 5, device=device)
    theirs = weight.clone().requires_grad_()
    optimiser = torch.optim.Adam([theirs], lr=0.01)
    first, second = torch.zeros_like(weight), torch.zeros_like(weight)
    for number in range(1, 6):
        gradient = torch.randn(7, 5, device=device)
        theirs.grad = 0.5 * gradient
        optimiser.step()
        scale = torch.tensor(0.5, device=device)
        kernels.adam(
            weight, first, second, GradientRows(gradient), scale, AdamStep(0.01, number), False
        )
    torch.testing.assert_close(weight, theirs.detach(), rtol=1e-4, atol=1e-6)


def test_touched_rows_alone_do_what_a_dense_gradient_does(device):
    torch.manual_seed(0)
    dense = torch.zeros(9, 4, device=device)
    places = torch.tensor([1, 4, 5], device=device)
    dense[places] = torch.randn(3, 4, device=device)
    results = []
    for gradient in (GradientRows(dense.clone()), GradientRows(dense[places].clone(), places)):
        weight = torch.nn.functional.normalize(torch.ones(9, 4, device=device), dim=1)
        first = 0.1 * torch.arange(36.0, device=device).view(9, 4)
        second = torch.full_like(weight, 0.2)
        kernels.project(gradient, weight)
        one = torch.tensor(1.0, device=device)
        kernels.adam(weight, first, second, gradient, one, AdamStep(0.1, 3), True)
        results.append((weight, first, second))
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b)
    torch.testing.assert_close(results[0][0].norm(dim=1), torch.ones(9, device=device))
    # Rows without a gradient move on by their momentum, as in Adam.
    assert not torch.equal(results[1][0][0], results[1][0].new_full((4,), 0.5))


def test_the_part_along_a_unit_row_is_taken_out(device):
    weight = torch.tensor([[1.0, 0.0], [0.6, 0.8]], device=device)
    gradient = GradientRows(
        torch.tensor([[1.0, 0.0]], device=device), torch.tensor([1], device=device)
    )
    kernels.project(gradient, weight)
    torch.testing.assert_close(gradient.values.cpu(), torch.tensor([[0.64, -0.48]]))


def test_a_gradient_of_rows_is_the_dense_one_without_its_zeros():
    torch.manual_seed(0)
    x, support = torch.randn(2, 3), Support(torch.tensor([0, 2, 3]), torch.tensor([4, 40, 4]), 50)
    gradients = []
    for sparse in (False, True):
        weight = torch.randn(50, 3, generator=torch.Generator().manual_seed(1)).requires_grad_()
        values = kernels.gather_dot(x, weight, support)
        out = kernels.decode(values, support, weight)
        taken = kernels.take_rows(weight, torch.tensor([4, 7]))
        if sparse:
            with kernels.row_gradients():
                (out.sum() + taken.square().sum()).backward()
        else:
            (out.sum() + taken.square().sum()).backward()
        gradients.append(weight.grad)
    assert not gradients[0].is_sparse and gradients[1].is_sparse
    torch.testing.assert_close(gradients[1].to_dense(), gradients[0])
    assert rows_of_gradient(gradients[1]).indices.tolist() == [4, 7, 40]


def test_gradients_are_dense_where_nobody_asked():
    weight = torch.randn(50, 3, requires_grad=True)
    support = Support(torch.tensor([0, 1]), torch.tensor([4]), 50)
    kernels.gather_dot(torch.randn(1, 3), weight, support).sum().backward()
    assert not weight.grad.is_sparse


def test_a_written_gradient_reads_back():
    found = rows_of_gradient(as_gradient(torch.ones(2, 3), torch.tensor([1, 5]), 8))
    assert found.indices.tolist() == [1, 5]
    assert rows_of_gradient(torch.ones(4)).values.shape == (1, 4)
