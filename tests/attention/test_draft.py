"""Drafted generation gives dense greedy tokens; held keys of threshold 0 are the keys."""

import math

import pytest
import torch
from attention.zoo import call, small, small_llama

import sparsetime as st
from sparsetime.attention.remainders.held_keys import HeldKeys
from sparsetime.errors import ConfigError, DataError

NEW = 12


@pytest.mark.parametrize("keys", [1, 6, 64])
def test_drafts_give_the_tokens_of_dense_greedy_decoding(keys):
    model, tokens = small_llama()
    prompt = tokens[:1, :10]
    dense = prompt
    with torch.no_grad():
        for _ in range(NEW):
            dense = torch.cat([dense, model(dense).logits[:, -1:].argmax(-1)], 1)
    policy = small("exact_top_k", keys=keys)
    drafted = st.attention.generate_by_drafts(model, prompt, policy, NEW, drafts=3)
    assert torch.equal(drafted.tokens, dense[0, 10:])
    assert all(0 <= count <= 3 for count in drafted.accepted)
    if keys == 64:
        assert drafted.accepted == (3, 3, 3)


def test_one_token_needs_no_draft():
    model, tokens = small_llama()
    one = st.attention.generate_by_drafts(model, tokens[:1, :4], small("exact_top_k"), 1)
    assert len(one.tokens) == 1 and one.accepted == () and math.isnan(one.mean_accepted)


def test_drafts_refuse_several_sequences_and_policies_of_prefill():
    model, tokens = small_llama()
    generate = st.attention.generate_by_drafts
    policy = small("exact_top_k")
    with pytest.raises(DataError, match="got 2 sequences of tokens, expected one"):
        generate(model, tokens[:2, :4], policy, 4)
    with pytest.raises(ConfigError, match=r"got drafts=0 and the policy 'exact_top_k' of prefill"):
        generate(model, tokens[:1, :4], policy, 4, drafts=0)


def test_held_keys_change_where_they_must():
    keys = call().k
    held, zeros = HeldKeys(0.0).held(keys)
    assert torch.equal(held, keys) and zeros == 0
    held, zeros = HeldKeys(0.5).held(keys)
    changes = held[:, :, 1:] != held[:, :, :-1]
    assert float(changes.float().mean()) == pytest.approx(1 - zeros)
    least = 0.5 * keys.square().mean(3, keepdim=True).sqrt()
    assert ((held - keys).abs() <= least).all()
    assert 0 < zeros < 1
    with pytest.raises(ConfigError, match="got threshold=-1, expected 0 or more"):
        HeldKeys(-1)
