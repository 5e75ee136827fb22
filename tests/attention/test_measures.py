"""Measures of attention patterns on input whose values are known."""

import pytest
import torch
from attention.zoo import call, small

import sparsetime as st
from sparsetime.attention.mass import attention_mass
from sparsetime.attention_pattern import AttentionPattern
from sparsetime.errors import MismatchError
from sparsetime.key_range import KeyRange


def test_mass_and_error_of_everything_and_of_the_top_keys():
    inputs = call()
    full = AttentionPattern.full(inputs.readable)
    everything = st.attention.mass_kept(inputs, full)
    torch.testing.assert_close(everything, torch.ones_like(everything))
    policy = small("exact_top_k", keys=5)
    pattern = policy.select(inputs)
    mass = attention_mass(inputs, torch.arange(inputs.queries))
    expected = mass.topk(5, -1).values.sum(-1).mean(2)
    torch.testing.assert_close(st.attention.mass_kept(inputs, pattern), expected)
    out, _ = policy.attend(inputs, pattern)
    dense, _ = policy.attend(inputs, full)
    error = (out - dense).norm(dim=(2, 3)) / dense.norm(dim=(2, 3))
    torch.testing.assert_close(st.attention.output_error(inputs, out), error)


def test_recall_of_the_top_keys():
    inputs = call()
    exact = small("exact_top_k", keys=5).select(inputs)
    assert torch.equal(st.attention.top_key_recall(inputs, exact, 5), torch.ones(2, 4))
    half = st.attention.top_key_recall(inputs, exact, 10)
    assert half.flatten().tolist() == pytest.approx([0.5] * 8)
    with pytest.raises(MismatchError, match="got k=0, expected at least one key"):
        st.attention.top_key_recall(inputs, exact, 0)


def test_overlap_of_windows():
    inputs = call(batch=1)
    narrow, wide = (small("sliding_window", window=n).select(inputs) for n in (2, 4))
    expected = narrow.pairs / wide.pairs
    assert st.attention.overlap(narrow, wide).tolist() == [[pytest.approx(expected)]]
    with pytest.raises(MismatchError, match="expected equal batch, heads, queries and keys"):
        st.attention.overlap(narrow, AttentionPattern.full(KeyRange.causal(8, 8)))


def test_reach_doubles_with_powers_of_two_and_two_hops_of_strides_reach_all():
    inputs = call(queries=64, keys=64, batch=1)
    powers = small("power_attention", window=1, sinks=0).select(inputs)
    for layers in (1, 2, 3, 6):
        read = st.attention.reach(powers, layers)[0, 0, 63].flip(0)
        # After n layers every distance is reached whose binary digits sum to at most n.
        expected = [bin(distance).count("1") <= layers for distance in range(64)]
        assert read.tolist() == expected
    for fixed in (False, True):
        strided = small("sparse_transformer", stride=8, fixed=fixed).select(inputs)
        assert torch.equal(st.attention.reach(strided, 2)[0, 0], torch.ones(64, 64).tril().bool())
    with pytest.raises(MismatchError, match="expected self-attention over a whole sequence"):
        st.attention.reach(AttentionPattern.full(KeyRange.causal(2, 8)), 1)
