"""Every implementation of the kernels against the reference, in places, values and gradients."""

from importlib import import_module
from importlib.util import find_spec

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparsetime import kernels
from sparsetime.errors import UnknownNameError
from sparsetime.kernels import (
    AbsTopKRule,
    BatchTopKRule,
    Support,
    ThresholdRule,
    TopKRule,
    reference,
)

# Without a GPU, tests/conftest.py has Triton interpret the programs: slowly, so cases are small.
needs_triton = pytest.mark.skipif(
    find_spec("triton") is None, reason="Triton is not installed (extra `gpu`, Linux only)"
)
FAST = ["cpu", pytest.param("gpu", marks=needs_triton)]
DEVICES = {"gpu": "cuda" if torch.cuda.is_available() else "cpu"}
RULES = {
    "top_k": TopKRule(3),
    "abs_top_k": AbsTopKRule(3),
    "batch_top_k": BatchTopKRule(3),
    "above": ThresholdRule(torch.tensor(0.3)),
}
SHAPES = [(1, 1, 4), (5, 7, 33), (37, 16, 129), (3, 8, 64)]


def problem(rows, d, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, d, generator=generator)
    weight = torch.randn(width, d, generator=generator)
    bias = torch.randn(width, generator=generator)
    return x, weight, bias


def selected(name, x, weight, bias, rule, dtype=torch.float32):
    device = DEVICES.get(name, "cpu")
    if isinstance(rule, ThresholdRule):
        rule = ThresholdRule(rule.threshold.to(device))
    with kernels.use(name):
        support = kernels.select(x.to(device), weight.to(device), bias.to(device), rule, dtype)
    return moved(support, "cpu")


def moved(support, device):
    return Support(support.offsets.to(device), support.indices.to(device), support.width)


def places(support):
    return list(zip(support.row_of_entry.tolist(), support.indices.tolist(), strict=True))


@pytest.mark.parametrize("name", FAST)
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_select_keeps_the_same_places(name, rule, shape):
    x, weight, bias = problem(*shape)
    assert places(selected(name, x, weight, bias, rule)) == places(
        selected("reference", x, weight, bias, rule)
    )


@pytest.mark.parametrize("name", ["reference", *FAST])
def test_places_ascend_within_rows(name):
    x, weight, bias = problem(12, 6, 50)
    support = selected(name, x, weight, bias, BatchTopKRule(4))
    for start, stop in zip(support.offsets, support.offsets[1:], strict=False):
        assert (support.indices[start:stop].diff() > 0).all()


@pytest.mark.parametrize("name", ["reference", *FAST])
@pytest.mark.parametrize("rule", [TopKRule(2), BatchTopKRule(2)], ids=str)
def test_fewer_positive_entries_than_k(name, rule):
    pre = torch.tensor([[-1.0, -2.0, -3.0], [-1.0, 5.0, -1.0], [0.0, 0.0, 0.0]])
    support = selected(name, pre, torch.eye(3), torch.zeros(3), rule)
    assert places(support) == [(1, 1)]


@pytest.mark.parametrize("name", ["reference", *FAST])
def test_ties_keep_exactly_k_and_the_first_ones(name):
    pre = torch.tensor([[1.0, 1.0, 1.0, 1.0], [1.0, 2.0, 1.0, 1.0]])
    support = selected(name, pre, torch.eye(4), torch.zeros(4), TopKRule(2))
    assert places(support) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    whole = selected(name, pre, torch.eye(4), torch.zeros(4), BatchTopKRule(2))
    assert places(whole) == [(0, 0), (0, 1), (0, 2), (1, 1)]


@pytest.mark.parametrize("name", ["reference", *FAST])
def test_magnitude_keeps_either_sign(name):
    pre = torch.tensor([[0.1, -3.0, 2.0, 0.0]])
    support = selected(name, pre, torch.eye(4), torch.zeros(4), AbsTopKRule(2))
    assert places(support) == [(0, 1), (0, 2)]


@pytest.mark.parametrize("name", ["reference", *FAST])
def test_every_latent_has_its_own_threshold(name):
    pre = torch.tensor([[1.0, 1.0, -1.0]])
    rule = ThresholdRule(torch.tensor([0.5, 1.5, -2.0]))
    assert places(selected(name, pre, torch.eye(3), torch.zeros(3), rule)) == [(0, 0), (0, 2)]


@pytest.mark.parametrize("name", FAST)
@pytest.mark.parametrize("rule", [TopKRule(40), BatchTopKRule(40), AbsTopKRule(99)], ids=str)
def test_k_as_large_as_the_width(name, rule):
    x, weight, bias = problem(6, 5, 40)
    assert places(selected(name, x, weight, bias, rule)) == places(
        selected("reference", x, weight, bias, rule)
    )


@pytest.mark.parametrize("name", ["reference", *FAST])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_no_rows(name, rule):
    x, weight, bias = problem(4, 5, 8)
    support = selected(name, x[:0], weight, bias, rule)
    assert support.rows == 0
    assert support.indices.numel() == 0


@pytest.mark.parametrize("name", FAST)
def test_input_that_is_not_contiguous(name):
    x, weight, bias = problem(12, 10, 32)
    strided, turned = x[::2, ::2], weight[:, :5].T.contiguous().T
    assert places(selected(name, strided, turned, bias, TopKRule(3))) == places(
        selected("reference", strided.contiguous(), turned.contiguous(), bias, TopKRule(3))
    )


@pytest.mark.parametrize("name", ["cpu"])
def test_batch_top_k_when_the_first_rows_are_unlike_the_others(name):
    """The cpu kernel guesses a bound from its first tile; a wrong guess must cost time only."""
    x, weight, bias = problem(4096, 8, 512)
    for scaled in (torch.cat([x[:2048] * 50, x[2048:]]), torch.cat([x[:2048] / 50, x[2048:]])):
        fast = selected(name, scaled, weight, bias * 0, BatchTopKRule(5))
        slow = selected("reference", scaled, weight, bias * 0, BatchTopKRule(5))
        assert fast.indices.numel() == slow.indices.numel() == 5 * 4096
        differ = set(places(fast)) ^ set(places(slow))
        assert len(differ) <= 4  # the last bits of the two products differ


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int8], ids=str)
def test_a_bound_that_was_too_high_falls_little(dtype, monkeypatch):
    """Where the first rows are longer than the others, a second pass keeps few entries too many."""
    from sparsetime.kernels import cpu_select

    x, weight, bias = problem(4096, 8, 512)
    x = torch.cat([x[:512] * 2, x[512:]])
    kept, above = [], cpu_select.loops.above

    def counted(tile, bound):
        result = above(tile, bound)
        kept.append(len(result[2]))
        return result

    monkeypatch.setattr(cpu_select.loops, "above", counted)
    selected("cpu", x, weight, bias * 0, BatchTopKRule(5), dtype)
    assert len(kept) > 1 and kept[-1] < 4 * 5 * 4096


@pytest.mark.parametrize("name", ["reference", *FAST])
def test_bfloat16_selection_keeps_nearly_the_best(name):
    x, weight, bias = problem(24, 32, 256)
    exact = set(places(selected(name, x, weight, bias, TopKRule(8))))
    rough = set(places(selected(name, x, weight, bias, TopKRule(8), torch.bfloat16)))
    assert len(rough) == len(exact)
    assert len(exact & rough) / len(exact) > 0.97


@st.composite
def supports(draw):
    rows, width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    lines = [
        sorted(
            draw(st.lists(st.integers(0, width - 1), max_size=width, unique=draw(st.booleans())))
        )
        for _ in range(rows)
    ]
    offsets = torch.tensor([0, *(len(line) for line in lines)]).cumsum(0)
    indices = torch.tensor([i for line in lines for i in line], dtype=torch.int64)
    return Support(offsets, indices, width)


@pytest.mark.parametrize("name", ["reference", *FAST])
@settings(deadline=None, max_examples=30)
@given(support=supports(), d=st.integers(1, 5))
def test_values_and_gradients_are_those_of_dense_products(name, support, d):
    """Also with empty rows, and with an index that repeats within a row."""
    generator = torch.Generator().manual_seed(d)
    x = torch.randn(support.rows, d, generator=generator, requires_grad=True)
    weight = torch.randn(support.width, d, generator=generator, requires_grad=True)
    atoms = torch.randn(support.width, d, generator=generator, requires_grad=True)
    leaves = (x, weight, atoms)
    row, at = support.row_of_entry, support.indices

    dense_values = (x @ weight.T)[row, at]
    spread = torch.zeros(support.rows, support.width).index_put((row, at), dense_values, True)
    dense_out = spread @ atoms
    expected = torch.autograd.grad(dense_out.square().sum(), leaves, allow_unused=True)

    device = DEVICES.get(name, "cpu")
    there = moved(support, device)
    with kernels.use(name):
        values = kernels.gather_dot(x.to(device), weight.to(device), there)
        out = kernels.decode(values, there, atoms.to(device))
        found = torch.autograd.grad(out.square().sum(), leaves)
    values, out = values.cpu(), out.cpu()
    torch.testing.assert_close(values, dense_values)
    torch.testing.assert_close(out, dense_out)
    for a, b in zip(found, expected, strict=True):
        b = torch.zeros_like(a) if b is None else b
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-4)  # sums in another order


@pytest.mark.parametrize("name", FAST)
def test_transposing_agrees(name):
    x, weight, bias = problem(30, 6, 50)
    support = selected("reference", x, weight, bias, BatchTopKRule(4))
    fast = import_module(f"sparsetime.kernels.{name}").transpose(
        moved(support, DEVICES.get(name, "cpu"))
    )
    slow = reference.transpose(support)
    assert torch.equal(fast.offsets.cpu(), slow.offsets)
    assert torch.equal(fast.rows.cpu(), slow.rows)
    assert torch.equal(fast.order.cpu(), slow.order)


def test_no_rows_by_width_tensor_is_made():
    """The largest thing that selection allocates is a tile, whatever the batch."""
    from sparsetime.kernels import cpu_select

    sizes = []
    original = torch.empty

    def counted(*shape, **options):
        made = original(*shape, **options)
        sizes.append(made.numel())
        return made

    x, weight, bias = problem(6000, 4, 2048)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cpu_select.torch, "empty", counted)
        cpu_select.select(x, weight, bias, TopKRule(2), torch.float32)
    assert max(sizes) <= cpu_select._TILE_ELEMENTS < 6000 * 2048


def test_unknown_kernels_are_named():
    with (
        pytest.raises(
            UnknownNameError, match="unknown kernels 'gpus': did you mean 'gpu' or 'cpu'"
        ),
        kernels.use("gpus"),
    ):
        pass


def test_forcing_ends_with_the_block():
    assert kernels.backend_name(torch.device("cpu")) == "cpu"
    with kernels.use("reference"):
        assert kernels.backend_name(torch.device("cpu")) == "reference"
    assert kernels.backend_name(torch.device("cpu")) == "cpu"
