"""Rounded products propose, exact values decide."""

from dataclasses import replace
from importlib.util import find_spec

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparsetime import kernels
from sparsetime.errors import ConfigError
from sparsetime.kernels import (
    AbsTopKRule,
    BatchTopKRule,
    Support,
    ThresholdRule,
    TopKRule,
    reference,
)
from sparsetime.kernels.error_bounds import latent_errors, row_errors
from sparsetime.kernels.selection_rules import NearTopKRule

DTYPES = [torch.int8, torch.bfloat16, torch.float32]
BACKENDS = ["reference", "cpu"]
DEVICES = {"gpu": "cuda" if torch.cuda.is_available() else "cpu"}
needs_triton = pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed")
# The gpu kernels take no 8-bit integers.
CASES = [(name, dtype) for name in BACKENDS for dtype in DTYPES] + [
    pytest.param("gpu", dtype, marks=needs_triton) for dtype in (torch.bfloat16, torch.float32)
]


def few(name, rows):
    """Rows for an implementation: the interpreter of Triton's programs is slow."""
    return rows // 8 if DEVICES.get(name) == "cpu" else rows


def selected(select, name, x, weight, bias, rule, dtype):
    """A selection by one implementation, on its device; the support on the CPU."""
    device = DEVICES.get(name, "cpu")
    moved = {
        key: value.to(device)
        for key, value in vars(rule).items()
        if isinstance(value, torch.Tensor)
    }
    with kernels.use(name):
        found = select(
            x.to(device), weight.to(device), bias.to(device), replace(rule, **moved), dtype
        )
    return Support(found.offsets.cpu(), found.indices.cpu(), found.width)


def problem(rows=40, d=24, width=300, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, d, generator=generator)
    weight = torch.randn(width, d, generator=generator)
    return x, weight, 0.3 * torch.randn(width, generator=generator)


def entries(support):
    return list(zip(support.row_of_entry.tolist(), support.indices.tolist(), strict=True))


@pytest.mark.parametrize(("name", "dtype"), CASES, ids=str)
@pytest.mark.parametrize(
    "rule",
    [TopKRule(7), AbsTopKRule(7), TopKRule(299), TopKRule(300), ThresholdRule(torch.tensor(9.0))],
    ids=str,
)
def test_any_dtype_selects_what_exact_values_say(name, dtype, rule):
    x, weight, bias = problem(few(name, 40))
    found = selected(kernels.select_exactly, name, x, weight, bias, rule, dtype)
    assert entries(found) == entries(reference.select_dense(x @ weight.T + bias, rule))


@pytest.mark.parametrize(("name", "dtype"), CASES, ids=str)
def test_few_places_are_left_in_doubt(name, dtype):
    x, weight, bias = problem(few(name, 80), d=96, width=1000)
    margin = 2 * row_errors(x, weight, bias, dtype)
    found = selected(kernels.select, name, x, weight, bias, NearTopKRule(8, margin), dtype)
    counts = found.offsets.diff()
    assert counts.min() >= 8
    assert counts.float().mean() < 40
    assert counts.max() < 100


@pytest.mark.parametrize(("name", "dtype"), CASES, ids=str)
def test_positive_entries_that_rounding_makes_negative_are_found(name, dtype):
    x, weight, _ = problem(few(name, 40), width=64)
    pre = x @ weight.T
    # Fewer than k are positive, and of these one by less than the rounding error.
    bias = -(pre.sort(dim=0).values[-3]) + 1e-6
    found = selected(kernels.select_exactly, name, x, weight, bias, TopKRule(60), dtype)
    exact = pre + bias
    sure = set(map(tuple, (exact > 1e-5).nonzero().tolist()))
    likely = set(map(tuple, (exact > -1e-5).nonzero().tolist()))
    assert sure <= set(entries(found)) <= likely


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("rule", [TopKRule(16), AbsTopKRule(16), BatchTopKRule(16)], ids=str)
def test_integers_select_in_training_what_float32_does(name, rule):
    x, weight, bias = problem(rows=64, d=96, width=1000)
    with kernels.use(name):
        found = entries(kernels.select(x, weight, bias, rule, torch.int8))
    exact = entries(kernels.select(x, weight, bias, rule))
    assert len(found) == len(exact)
    assert len({*found} & {*exact}) >= 0.998 * len(exact)


@pytest.mark.parametrize("rule", [TopKRule(5), BatchTopKRule(5), AbsTopKRule(5)], ids=str)
def test_integers_agree_between_implementations(rule):
    x, weight, bias = problem(rows=33, d=50, width=257)
    x[3] = 0
    weight[9] = 0
    found = []
    for name in BACKENDS:
        with kernels.use(name):
            found.append(entries(kernels.select(x, weight, bias, rule, torch.int8)))
    assert found[0] == found[1]


def test_thresholds_are_exact_with_integers():
    x, weight, bias = problem()
    threshold = torch.rand(300) * 8
    found = kernels.select(x, weight, bias, ThresholdRule(threshold), torch.int8)
    assert entries(found) == entries(kernels.select(x, weight, bias, ThresholdRule(threshold)))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_rounding_stays_within_its_bounds(dtype):
    x, weight, bias = problem(rows=200, d=64, width=500)
    x[:, 3] *= 20
    rounded = reference._product(x, weight, dtype)
    error = (rounded - x.double() @ weight.double().T).abs()
    assert (error <= row_errors(x, weight, bias, dtype)[:, None]).all()
    assert (error <= latent_errors(x, weight, bias, dtype)).all()
    # A bound that says nothing would pass too.
    assert row_errors(x, weight, bias, dtype).median() < 0.5 * (x @ weight.T).std()


@settings(deadline=None, max_examples=40)
@given(
    counts=st.lists(st.integers(0, 6), min_size=1, max_size=5),
    k=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_keeping_agrees_between_implementations(counts, k, seed):
    generator = torch.Generator().manual_seed(seed)
    offsets = torch.tensor([0, *counts]).cumsum(0)
    indices = torch.cat([torch.randperm(9, generator=generator)[:n].sort().values for n in counts])
    support = Support(offsets, indices, 9)
    # Few values, so that ties are many.
    values = torch.randint(-2, 4, (len(indices),), generator=generator).float()
    for rule in (
        TopKRule(k),
        AbsTopKRule(k),
        BatchTopKRule(k),
        ThresholdRule(torch.full((9,), 0.5)),
    ):
        kept = []
        for name in BACKENDS:
            with kernels.use(name):
                kept.append(kernels.selection.backend(values).kept_entries(support, values, rule))
        assert kept[0].tolist() == kept[1].tolist(), rule


def test_of_equal_entries_the_first_stay():
    support = Support(torch.tensor([0, 4]), torch.tensor([1, 3, 5, 8]), 9)
    values = torch.tensor([2.0, 2.0, -1.0, 2.0])
    assert reference.kept_entries(support, values, TopKRule(2)).tolist() == [0, 1]
    assert reference.kept_entries(support, values, AbsTopKRule(4)).tolist() == [0, 1, 2, 3]
    assert reference.kept_entries(support, values, TopKRule(4)).tolist() == [0, 1, 3]
    assert support.take(torch.tensor([0, 3])).indices.tolist() == [1, 8]
    assert support.take(torch.tensor([0, 3])).offsets.tolist() == [0, 2]


@pytest.mark.parametrize("name", BACKENDS)
def test_the_largest_of_a_small_matrix(name):
    score = torch.tensor([[-3.0, -1.0, -2.0, -1.0], [0.0, 5.0, -5.0, 5.0], [1.0, 1.0, 1.0, 1.0]])
    with kernels.use(name):
        mask = kernels.mask_of_largest(score, 2)
    assert mask.int().tolist() == [[0, 1, 0, 1], [0, 1, 0, 1], [1, 1, 0, 0]]


def test_exact_selection_refuses_what_depends_on_the_batch():
    with pytest.raises(TypeError, match="depends on more than a row"):
        kernels.select_exactly(*problem(), BatchTopKRule(3))


def test_integers_on_a_gpu_are_refused(monkeypatch):
    from sparsetime.kernels import selection

    monkeypatch.setattr(selection, "backend_name", lambda device: "gpu")
    with pytest.raises(ConfigError, match=r"8-bit integers on a GPU.*bfloat16"):
        kernels.select(*problem(), TopKRule(3), torch.int8)
