"""A k for every row, and gradients of weights that are computed from others."""

import pytest
import torch

from sparsetime import kernels
from sparsetime.kernels import Support, TopKPerRowRule, reference


def by_hand(pre, each):
    places = set()
    for row, k in enumerate(each.tolist()):
        values, indices = pre[row].sort(descending=True, stable=True)
        places |= {(row, int(i)) for v, i in zip(values[:k], indices[:k], strict=True) if v > 0}
    return places


def places(support):
    return set(zip(support.row_of_entry.tolist(), support.indices.tolist(), strict=True))


@pytest.mark.parametrize("name", ["reference", "cpu"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int8], ids=str)
def test_every_row_keeps_its_own_k_of_exact_values(name, dtype):
    if name == "reference" and dtype == torch.int8:
        pytest.skip("the reference multiplies floats")
    generator = torch.Generator().manual_seed(0)
    x, weight = torch.randn(50, 12, generator=generator), torch.randn(200, 12, generator=generator)
    bias = torch.randn(200, generator=generator) / 10
    each = torch.arange(50) % 9  # some rows keep nothing
    wanted = by_hand(x @ weight.T + bias, each)
    with kernels.use(name):
        exact = kernels.select_exactly(x, weight, bias, TopKPerRowRule(each), dtype)
        fast = kernels.select(x, weight, bias, TopKPerRowRule(each), dtype)
    assert places(exact) == wanted
    assert len(places(fast) & wanted) > 0.9 * len(wanted)
    assert (fast.offsets.diff() <= each).all()
    assert (exact.indices[1:] > exact.indices[:-1]).sum() >= len(wanted) - 50


def test_pre_activations_that_exist_are_selected_alike():
    pre = torch.tensor([[3.0, 1.0, 3.0, -1.0], [0.5, -2.0, 0.2, 0.1], [1.0, 2.0, 3.0, 4.0]])
    each = torch.tensor([1, 3, 0])
    found = reference.select_dense(pre, TopKPerRowRule(each))
    assert places(found) == {(0, 0), (1, 0), (1, 2), (1, 3)}  # of equal ones the first
    assert places(
        reference.select_dense(pre[1:], kernels.rule_of_rows(TopKPerRowRule(each), 1, 3))
    ) == {
        (0, 0),
        (0, 2),
        (0, 3),
    }


def test_no_rows_have_no_places():
    found = kernels.select(
        torch.zeros(0, 3), torch.ones(5, 3), torch.zeros(5), TopKPerRowRule(torch.zeros(0).long())
    )
    assert found.offsets.tolist() == [0] and found.indices.numel() == 0


def test_what_is_computed_gets_its_gradient_dense():
    """Where a training asks for touched rows alone, a matrix made of others still gets them all."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 4, generator=generator)
    made_of = torch.randn(64, 4, generator=generator).requires_grad_()
    support = Support(torch.tensor([0, 1, 2, 3]), torch.tensor([5, 9, 5]), 64)

    def gradient(weight):
        values = kernels.gather_dot(x, weight, support)
        few = kernels.take_rows(weight, torch.tensor([2, 7])).sum()
        total = kernels.decode(values, support, weight).square().sum() + few
        return torch.autograd.grad(total, made_of)[0]

    expected = gradient(2 * made_of)
    with kernels.row_gradients():
        torch.testing.assert_close(gradient(2 * made_of), expected)
        assert gradient(made_of).is_sparse
