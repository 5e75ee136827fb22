"""Attention patterns: units against dense masks, counts of pairs, shared heads."""

import pytest
import torch

from sparsetime.attention_pattern import AttentionPattern, bounds_of
from sparsetime.errors import MismatchError
from sparsetime.key_range import KeyRange
from sparsetime.support import Support


def lower_tiles(tokens, unit):
    tiles = -(-tokens // unit)
    return torch.ones(1, 1, tiles, tiles, dtype=torch.bool), bounds_of(tokens, unit)


@pytest.mark.parametrize(("tokens", "unit"), [(12, 4), (13, 4), (5, 8), (7, 1)])
def test_all_units_of_a_causal_range_are_dense_attention(tokens, unit):
    chosen, bounds = lower_tiles(tokens, unit)
    pattern = AttentionPattern.of_units(chosen, bounds, bounds, KeyRange.causal(tokens, tokens))
    assert torch.equal(pattern.mask()[0, 0], torch.ones(tokens, tokens).tril().bool())
    assert pattern.pairs == pattern.readable_pairs == tokens * (tokens + 1) // 2
    assert pattern.sparsity == 0


def test_units_that_no_query_may_read_are_dropped():
    chosen, bounds = lower_tiles(12, 4)
    pattern = AttentionPattern.of_units(chosen, bounds, bounds, KeyRange.causal(12, 12))
    assert pattern.support.offsets.tolist() == [0, 1, 3, 6]
    assert pattern.is_full.tolist() == [False, True, False, True, True, False]


def test_a_mask_of_tokens_and_its_support():
    mask = torch.rand(2, 3, 6, 9, generator=torch.Generator().manual_seed(0)) < 0.4
    pattern = AttentionPattern.of_mask(mask)
    assert torch.equal(pattern.mask(), mask)
    assert pattern.pairs == int(mask.sum())
    assert pattern.sparsity == pytest.approx(1 - mask.float().mean().item())
    tokens = pattern.tokens()
    assert (tokens.rows, tokens.width) == (36, 9)
    assert torch.equal(tokens.indices, mask.reshape(36, 9).nonzero()[:, 1])


def test_heads_and_sequences_share_a_pattern():
    mask = torch.zeros(1, 2, 3, 3, dtype=torch.bool)
    mask[:, 0, :, 0] = mask[:, 1, :, 1] = True
    shared = AttentionPattern.of_mask(mask).expand(2, 4)
    assert torch.equal(shared.mask(), mask.repeat_interleave(2, 1).expand(2, -1, -1, -1))
    with pytest.raises(MismatchError, match="heads that divide 3"):
        AttentionPattern.of_mask(mask).expand(1, 3)


def test_adaptive_units():
    bounds = torch.tensor([0, 1, 4, 10])
    chosen = torch.tensor([[[[1, 0, 0], [1, 1, 0], [1, 0, 1]]]], dtype=torch.bool)
    pattern = AttentionPattern.of_units(chosen, bounds, bounds, KeyRange.causal(10, 10))
    mask = pattern.mask()[0, 0]
    assert mask[6].nonzero()[:, 0].tolist() == [0, 4, 5, 6]
    assert pattern.pairs == int(mask.sum())


def test_a_support_of_other_units_is_refused():
    readable = KeyRange.causal(8, 8)
    support = Support(torch.tensor([0, 1]), torch.tensor([0]), 2)
    with pytest.raises(MismatchError, match="got a support of 1 rows and width 2, expected 2 rows"):
        AttentionPattern(support, 1, 1, bounds_of(8, 4), bounds_of(8, 4), readable)
    wide = KeyRange(*(t.expand(3, 1, 8) for t in readable.limits), readable.positions)
    with pytest.raises(MismatchError, match=r"batch \[1, 3\], expected 1 or 2"):
        AttentionPattern.full(wide).__class__(
            Support(torch.zeros(5, dtype=torch.long), torch.zeros(0, dtype=torch.long), 2),
            2,
            1,
            bounds_of(8, 4),
            bounds_of(8, 4),
            wide,
        )
