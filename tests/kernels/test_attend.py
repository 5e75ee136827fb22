"""Sparse attention: equal to dense attention under the pattern's mask, with its gradients."""

import pytest
import torch
from torch.nn import functional

from sparsetime import kernels, seeds
from sparsetime.attention_pattern import AttentionPattern, bounds_of
from sparsetime.errors import MismatchError
from sparsetime.kernels import attend_cpu
from sparsetime.key_range import KeyRange


def random_inputs(batch=2, heads=4, key_heads=2, queries=37, keys=37, d=8, size=8, **kwargs):
    generator = seeds.torch_generator(0, "random inputs")
    shapes = (batch, heads, queries, d), (batch, key_heads, keys, d), (batch, key_heads, keys, size)
    return [torch.randn(shape, generator=generator, **kwargs) for shape in shapes]


def random_pattern(readable, batch, heads, query_unit, key_unit, share=0.4, seed=1):
    generator = seeds.torch_generator(seed, "random inputs")
    bounds = bounds_of(readable.queries, query_unit), bounds_of(readable.keys, key_unit)
    units = [bound.shape[0] - 1 for bound in bounds]
    chosen = torch.rand(batch, heads, *units, generator=generator) < share
    return AttentionPattern.of_units(chosen, *bounds, readable)


def masked(q, k, v, pattern):
    """Dense attention under the mask; zero where a query reads no key."""
    group = q.shape[1] // k.shape[1]
    mask = pattern.expand(q.shape[0], q.shape[1]).mask()
    keys, values = (t.repeat_interleave(group, 1) for t in (k, v))
    out = functional.scaled_dot_product_attention(q, keys, values, mask)
    return torch.where(mask.any(3, keepdim=True), out, 0.0)


CASES = {
    "causal, odd lengths": (KeyRange.causal(37, 37), 2, 2, 8, 8),
    "grouped queries, a pattern a head": (KeyRange.causal(37, 37), 2, 4, 8, 5),
    "one pattern for all heads and sequences": (KeyRange.causal(37, 37), 1, 1, 16, 4),
    "bidirectional": (KeyRange.bidirectional(37, 37), 2, 2, 10, 10),
    "queries at the end of a longer context": (KeyRange.causal(13, 37), 2, 2, 8, 8),
    "one query": (KeyRange.causal(1, 37), 2, 2, 1, 4),
    "single queries and keys": (KeyRange.causal(37, 37), 2, 2, 1, 1),
    "wide tiles of queries, single keys": (KeyRange.causal(37, 37), 2, 2, 37, 1),
}


@pytest.fixture(params=CASES)
def case(request):
    readable, batch, heads, query_unit, key_unit = CASES[request.param]
    pattern = random_pattern(readable, batch, heads, query_unit, key_unit)
    return pattern, random_inputs(queries=readable.queries)


@pytest.mark.parametrize("narrow", [0, 1 << 20, None], ids=["gathered", "loops", "reference"])
def test_equals_masked_dense_attention(case, narrow, monkeypatch):
    pattern, (q, k, v) = case
    monkeypatch.setattr(attend_cpu, "_NARROW", narrow)
    monkeypatch.setattr(attend_cpu, "_SHORT", 0)
    with kernels.use("reference" if narrow is None else "cpu"):
        out, lse = kernels.attend(q, k, v, pattern)
    torch.testing.assert_close(out, masked(q, k, v, pattern), rtol=1e-4, atol=1e-5)
    scores = q @ k.repeat_interleave(2, 1).mT * q.shape[-1] ** -0.5
    mask = pattern.expand(2, 4).mask()
    expected = scores.masked_fill(~mask, -torch.inf).logsumexp(3)
    torch.testing.assert_close(lse, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["cpu", "reference"])
def test_gradients_equal_those_of_masked_dense_attention(case, name, monkeypatch):
    monkeypatch.setattr(attend_cpu, "_SHORT", 0)
    pattern, inputs = case
    gradients = []
    for attention in (lambda *a: kernels.attend(*a)[0], masked):
        leaves = [t.clone().requires_grad_() for t in inputs]
        with kernels.use(name):
            attention(*leaves, pattern).square().sum().backward()
        gradients.append([t.grad for t in leaves])
    for mine, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["cpu", "reference"])
def test_gradients_of_the_log_sum_exp_are_exact(case, name, monkeypatch):
    monkeypatch.setattr(attend_cpu, "_SHORT", 0)
    pattern, inputs = case
    gradients = []
    for attention in (kernels.attend, with_sums):
        leaves = [t.clone().requires_grad_() for t in inputs]
        with kernels.use(name):
            out, lse = attention(*leaves, pattern)
        kept = torch.where(lse.isneginf(), 0.0, lse)
        (out.square().sum() + kept.sin().sum()).backward()
        gradients.append([t.grad for t in leaves])
    for mine, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, expected, rtol=1e-4, atol=1e-5)


def with_sums(q, k, v, pattern):
    scores = q @ k.repeat_interleave(2, 1).mT * q.shape[-1] ** -0.5
    mask = pattern.expand(*q.shape[:2]).mask()
    reads = mask.any(3)
    safe = scores.masked_fill(~mask, -torch.inf).masked_fill(~reads[..., None], 0.0)
    return masked(q, k, v, pattern), torch.where(reads, safe.logsumexp(3), -torch.inf)


def test_short_sequences_of_single_queries_are_dense_under_the_mask():
    pattern = random_pattern(KeyRange.causal(37, 37), 2, 2, 1, 1)
    inputs = [t.requires_grad_() for t in random_inputs()]
    with kernels.use("reference"):
        expected = kernels.attend(*inputs, pattern)
        gradient = torch.autograd.grad(expected[0].sum(), inputs)
    out = kernels.attend(*inputs, pattern)
    torch.testing.assert_close(out, expected)
    torch.testing.assert_close(torch.autograd.grad(out[0].sum(), inputs), gradient)


def test_values_of_another_size_and_bfloat16():
    pattern = random_pattern(KeyRange.causal(64, 64), 1, 2, 32, 8)
    q, k, v = random_inputs(queries=64, keys=64, size=12)
    out, _ = kernels.attend(q, k, v, pattern)
    torch.testing.assert_close(out, masked(q, k, v, pattern), rtol=1e-4, atol=1e-5)
    half, _ = kernels.attend(q.bfloat16(), k.bfloat16(), v.bfloat16(), pattern)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), out, rtol=0.05, atol=0.05)


def test_padding_and_windows_are_ranges_of_keys():
    first = torch.tensor([0, 5])[:, None, None].expand(2, 1, 20)
    last = torch.arange(20).expand(2, 1, 20)
    readable = KeyRange(first, last, torch.arange(20)[None, None])
    pattern = AttentionPattern.full(readable, unit=8)
    mask = pattern.mask()
    assert mask[1, 0, 7].nonzero()[:, 0].tolist() == [5, 6, 7]
    assert not mask[1, 0, :5].any()
    assert pattern.pairs == int(mask.sum()) == pattern.readable_pairs
    q, k, v = random_inputs(queries=20, keys=20)
    out, _ = kernels.attend(q, k, v, pattern)
    torch.testing.assert_close(out, masked(q, k, v, pattern), rtol=1e-4, atol=1e-5)


def test_keys_with_positions_of_their_own():
    readable = KeyRange.causal(12, 12)
    order = seeds.torch_generator(2, "random inputs")
    shuffled = torch.randperm(12, generator=order)
    permuted = KeyRange(readable.first, readable.last, shuffled[None, None])
    q, k, v = random_inputs(queries=12, keys=12)
    plain, _ = kernels.attend(q, k, v, AttentionPattern.full(readable, 4))
    moved, _ = kernels.attend(
        q, k[:, :, shuffled], v[:, :, shuffled], AttentionPattern.full(permuted, 4)
    )
    torch.testing.assert_close(moved, plain)


def test_merging_parts_is_exact():
    readable = KeyRange.causal(40, 40)
    whole = AttentionPattern.full(readable, 8)
    chosen = torch.zeros(1, 1, 5, 5, dtype=torch.bool)
    chosen[..., ::2] = True
    q, k, v = random_inputs(queries=40, keys=40)
    parts = [
        kernels.attend(
            q, k, v, AttentionPattern.of_units(mask, whole.query_bounds, whole.key_bounds, readable)
        )
        for mask in (chosen, ~chosen)
    ]
    out, lse = kernels.merge(parts)
    expected, expected_lse = kernels.attend(q, k, v, whole)
    torch.testing.assert_close(out, expected)
    torch.testing.assert_close(lse, expected_lse)


def test_what_does_not_fit_is_refused():
    q, k, v = random_inputs()
    with pytest.raises(MismatchError, match="pattern of 20 queries and 20 keys for q of 37"):
        kernels.attend(q, k, v, AttentionPattern.full(KeyRange.causal(20, 20)))
    pattern = random_pattern(KeyRange.causal(37, 37), 1, 3, 8, 8)
    with pytest.raises(MismatchError, match="3 heads for q of batch 2 and 4 heads"):
        kernels.attend(q, k, v, pattern)
    with pytest.raises(MismatchError, match="heads of keys that divide those of queries"):
        kernels.attend(q, k[:, :1].repeat(1, 3, 1, 1), v[:, :1].repeat(1, 3, 1, 1), pattern)
    with pytest.raises(MismatchError, match="no parts, expected at least one"):
        kernels.merge([])
