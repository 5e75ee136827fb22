"""Selection within a product of 8-bit integers keeps the entries of the whole product."""

import numpy as np
import pytest
import torch
from numba import njit

from sparsetime import kernels
from sparsetime.kernels import (
    BatchTopKRule,
    ThresholdRule,
    TopKRule,
    cpu_select,
    loops,
    quantised_weights,
    reference,
)
from sparsetime.kernels.loops import integer_tiles, matrix_tiles
from sparsetime.kernels.loops.product_selection import _SAMPLED
from sparsetime.kernels.product_select import ProductOfIntegers, applies
from sparsetime.kernels.quantised_weights import quantised
from sparsetime.kernels.selection_rules import NearTopKRule


def problem(rows, d, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, d, generator=generator)
    weight = torch.randn(width, d, generator=generator)
    return x, weight, 0.3 * torch.randn(width, generator=generator)


def entries(support):
    return list(zip(support.row_of_entry.tolist(), support.indices.tolist(), strict=True))


@pytest.fixture(params=["tiles", "matrices"])
def form(request, monkeypatch):
    """Both ways to multiply, where the processor has both."""
    if request.param == "matrices" and not quantised_weights.multiplies_matrices():
        pytest.skip("the processor has no AMX")
    for module in (quantised_weights, cpu_select):
        monkeypatch.setattr(module, "multiplies_matrices", lambda: request.param == "matrices")


def selected(x, weight, bias, rule):
    """The entries, also on a processor where the kernels would not select within the product."""
    if isinstance(rule, ThresholdRule):
        bias, rule = bias - rule.threshold, ThresholdRule(torch.tensor(0.0))
    return entries(cpu_select._in_product(x, weight, bias, rule))


@pytest.mark.parametrize("shape", [(1, 64, 1024), (7, 5, 1100), (200, 30, 2047)], ids=str)
@pytest.mark.parametrize(
    "rule",
    [
        TopKRule(1),
        TopKRule(16),
        BatchTopKRule(8),
        ThresholdRule(torch.tensor(2.0)),
        ThresholdRule(torch.tensor(0.0)),
        NearTopKRule(8, torch.tensor(0.4)),
    ],
    ids=str,
)
def test_entries_are_those_of_the_reference(shape, rule, form):
    x, weight, bias = problem(*shape)
    if isinstance(rule, NearTopKRule):
        rule = NearTopKRule(rule.k, rule.margin.expand(len(x)).contiguous())
    expected = entries(reference.select(x, weight, bias, rule, torch.int8))
    found = selected(x, weight, bias, rule)
    if isinstance(rule, BatchTopKRule):  # equal scores at the bound
        assert len(found) == len(expected)
        assert len(set(found) ^ set(expected)) <= 2
    elif isinstance(rule, NearTopKRule):  # its bound lies between the k-th and the next score
        more = reference.select(x, weight, bias, NearTopKRule(9, rule.margin), torch.int8)
        assert set(expected) <= set(found) <= set(entries(more))
    else:
        assert found == expected


@pytest.mark.parametrize("rule", ["top_k", "near_top_k"])
@pytest.mark.parametrize("large", ["only sampled latents", "no sampled latent", "nearly none"])
def test_rows_whose_bound_was_wrong_are_selected_again(rule, large, form, monkeypatch):
    x, weight, _ = problem(30, 16, 1024)
    sampled = torch.arange(1024) // 64 % _SAMPLED == 0
    bias = torch.zeros(1024)
    if large == "only sampled latents":
        bias[~sampled] = -20.0
        bias[:2] = 30.0
    elif large == "no sampled latent":
        bias[sampled] = -50.0
    else:
        bias[3:] = -100.0
    rule = TopKRule(12) if rule == "top_k" else NearTopKRule(12, torch.full((30,), 0.5))
    again = []
    in_tiles = cpu_select._in_tiles
    monkeypatch.setattr(
        cpu_select, "_in_tiles", lambda *given: again.append(len(given[0])) or in_tiles(*given)
    )
    found = selected(x, weight, bias, rule)
    expected = entries(reference.select(x, weight, bias, rule, torch.int8))
    assert found == expected if isinstance(rule, TopKRule) else set(found) >= set(expected)
    # Near the k-th largest there is room for all that come above a bound of 0.
    fits = large == "nearly none" or (large, type(rule)) == ("no sampled latent", NearTopKRule)
    assert bool(again) != fits


def test_rows_with_far_more_entries_than_others(form):
    x, weight, bias = problem(400, 16, 1024)
    x[[5, 399]] *= 20
    rule = ThresholdRule(torch.tensor(8.0))
    found = selected(x, weight, bias, rule)
    assert found == entries(reference.select(x, weight, bias, rule, torch.int8))


def test_a_batch_whose_sampled_rows_are_longer(form):
    x, weight, _ = problem(480, 16, 1024)
    x[::20] *= 50
    for k in (1, 40):
        rule = BatchTopKRule(k)
        found = selected(x, weight, torch.zeros(1024), rule)
        expected = entries(reference.select(x, weight, torch.zeros(1024), rule, torch.int8))
        assert len(found) == len(expected) == 480 * k
        assert len(set(found) ^ set(expected)) <= 2


@pytest.mark.parametrize("native", [True, False])
def test_scores_of_a_tile_on_every_processor(native, monkeypatch):
    """Without the instruction for 8-bit integers the same sums are formed by others."""
    if native and not loops.has_vnni():
        pytest.skip("the processor has no AVX-512 VNNI")
    monkeypatch.setattr(integer_tiles, "has_vnni", lambda: native)
    scores_of_tile = integer_tiles.scores_of_tile

    @njit
    def scored(integers, starts, scales, panel, columns, room, out):
        scores_of_tile(
            integers.ctypes.data,
            integers.shape[1],
            panel.ctypes.data,
            panel.shape[0],
            starts.ctypes.data,
            scales.ctypes.data,
            columns.ctypes.data,
            room.ctypes.data,
            out.ctypes.data,
            256,
        )

    x, weight, bias = problem(6, 10, 64)
    monkeypatch.setattr(quantised_weights, "multiplies_matrices", lambda: False)
    rows, integers = loops.rows_of_integers(x.numpy(), loops.ROWS, 4), quantised(weight)
    columns = np.stack([integers.scales, bias.numpy()])
    room, out = np.zeros(18, np.float32), np.empty((6, 64), np.float32)
    room[:6] = np.linspace(-1, 3, 6)
    scored(rows[0], rows[2], rows[1], integers.panels[0], columns, room, out)
    (a, row_scales), (b, scales) = reference.quantise(x), reference.quantise(weight)
    sums = (a.double() @ b.double().T).float()
    expected = sums * (row_scales[:, None] * scales) + bias
    assert torch.equal(torch.from_numpy(out), expected)
    masks = room[6:].view(np.uint64)
    bits = np.unpackbits(masks.view(np.uint8), bitorder="little").reshape(6, 64).astype(bool)
    assert (bits == (out > np.linspace(-1, 3, 6, dtype=np.float32)[:, None])).all()


@pytest.mark.parametrize("kept", [False, True])
def test_registers_have_the_shapes_of_before(kept):
    """torch multiplies by the same registers."""
    if not quantised_weights.multiplies_matrices():
        pytest.skip("the processor has no AMX")
    begin, end = matrix_tiles.begin, matrix_tiles.end

    @njit
    def shapes_within(outer, inner, found, again):
        if kept:
            begin(outer.ctypes.data)
        begin(inner.ctypes.data)
        end(inner.ctypes.data)
        begin(found.ctypes.data)
        end(again.ctypes.data)
        end(again.ctypes.data)

    outer, inner, found, again = (matrix_tiles.shapes_of_registers() for _ in range(4))
    outer[16:32].view(np.uint16)[:] = 32
    shapes_within(outer, inner, found, again)
    expected = outer[:64] if kept else np.zeros(64)
    assert (inner[64:] == expected).all()
    assert (found[64:] == expected).all()


def test_a_process_that_gets_no_matrices_multiplies_without(monkeypatch):
    monkeypatch.setattr(torch.cpu, "_init_amx", lambda: False, raising=False)
    assert not quantised_weights.multiplies_matrices.__wrapped__()
    monkeypatch.setattr(loops, "has_matrices", lambda: False)
    monkeypatch.setattr(torch.cpu, "_init_amx", lambda: True)
    assert not quantised_weights.multiplies_matrices.__wrapped__()


def test_integers_are_those_of_the_reference(form):
    x, weight, _ = problem(20, 30, 1100)
    weight[7] = 0
    integers, scales = reference.quantise(weight)
    found = quantised(weight)
    padded = 4 * found.panels.shape[1]
    unsigned = found.panels.transpose(0, 2, 1, 3).reshape(-1, padded).astype(np.int16)
    assert (unsigned[:1100, :30] - 128 == integers.numpy()).all()
    assert (unsigned[:, 30:] == 128).all()
    scales[7] = 0  # what is 0 has no rounding error
    assert (found.scales[:1100] == scales.numpy()).all()
    assert np.allclose(found.norms[:1100], weight.norm(dim=1))
    rows, row_scales, starts = loops.rows_of_integers(x.numpy(), *found.tile)
    integers, scales = reference.quantise(x)
    assert (rows[:20, :30] == integers.numpy()).all()
    assert not rows[20:].any()
    assert not rows[:, 30:].any()
    assert (row_scales[:20] == scales.numpy()).all()
    assert (starts == -128 * rows.sum(1, dtype=np.int64)).all()


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("width", [40, 1100])
@pytest.mark.parametrize("rule", [TopKRule(3), kernels.AbsTopKRule(3)], ids=str)
def test_few_dimensions_are_selected_as_many(d, width, rule, form):
    """torch._int_mm is wrong at an inner dimension of 1 on some processors."""
    x, weight, bias = problem(20, d, width)
    expected = entries(reference.select(x, weight, bias, rule, torch.int8))
    assert entries(cpu_select._in_tiles(x, weight, bias, rule, torch.int8)) == expected
    if isinstance(rule, TopKRule) and width > 1024:
        assert selected(x, weight, bias, rule) == expected


def test_which_rules_are_selected_within_the_product(monkeypatch):
    monkeypatch.setattr(quantised_weights, "_has_vnni", lambda: True)
    assert applies(TopKRule(32), 8192)
    assert applies(BatchTopKRule(3000), 4096)
    assert not applies(TopKRule(4), 512)  # too few sampled latents
    assert not applies(TopKRule(1000), 4096)  # a sample says little of the 1000th
    assert not applies(kernels.AbsTopKRule(4), 8192)
    assert not applies(NearTopKRule(4, torch.zeros(1), magnitude=True), 8192)
    monkeypatch.setattr(quantised_weights, "_has_vnni", lambda: False)
    assert not applies(TopKRule(32), 8192)


def test_the_product_is_used_where_the_processor_can():
    if not loops.has_vnni():
        pytest.skip("the processor has no AVX-512 VNNI")
    x, weight, bias = problem(10, 8, 1024)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ProductOfIntegers, "largest", lambda *_: (_ for _ in ()).throw(KeyError))
        with pytest.raises(KeyError):
            kernels.select(x, weight, bias, TopKRule(4), torch.int8)
