"""Measures of heads on attention that is known, silenced heads, and the tile simulator."""

import pytest
import torch
from attention.zoo import small_llama

from sparsetime.attention.heads import (
    copy_scores,
    future_influence,
    look_back_distance,
    silenced_heads,
)
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.tile_counts import tile_count
from sparsetime.errors import DataError
from sparsetime.interventions.attention_heads import attention_heads
from sparsetime.key_range import KeyRange


def call_of(read, layer=0):
    """A call of one sequence in which query t of head h attends to key read[h][t] alone."""
    heads, time = len(read), len(read[0])
    k = torch.eye(time).expand(1, heads, -1, -1)
    q = 100 * torch.eye(time)[torch.tensor(read)][None]
    return AttentionInputs(q, k, k, KeyRange.causal(time, time), 1.0, layer)


def test_a_head_that_copies_has_score_one():
    sources = torch.tensor([[-1, -1, -1, 0, 1, 2]])
    copies, own = [0, 1, 2, 0, 1, 2], [0, 1, 2, 3, 4, 5]
    scores = copy_scores([call_of([own, own], 1), call_of([copies, own])], sources)
    assert scores.tolist() == [[1.0, 0.0], [0.0, 0.0]]
    half = copy_scores([call_of([[0, 1, 2, 0, 4, 5]])], sources)
    assert half.tolist() == [[pytest.approx(1 / 3)]]
    with pytest.raises(DataError, match="no copied step, expected sources of at least one"):
        copy_scores([call_of([own])], torch.full((1, 6), -1))


def test_distance_back_and_influence_of_known_attention():
    first, before = [0, 0, 0, 0, 0], [0, 0, 1, 2, 3]
    distance = look_back_distance([call_of([first, before])], longest=3)
    assert distance[0].tolist() == pytest.approx([0, 1, 1.5, 2, 2])
    influence = future_influence([call_of([first, before])], nearest=2, farthest=3)
    assert influence[0, :3].tolist() == pytest.approx([0.5, 0.0, 0.0], abs=1e-6)
    assert influence[0, 3:].isnan().all()


def test_silenced_heads_write_nothing():
    model, tokens = small_llama(layers=2)
    sites = attention_heads(model, tokens)
    assert [site.module for site in sites] == [f"model.layers.{n}.self_attn" for n in (0, 1)]
    seen = {}
    projection = model.model.layers[1].self_attn.o_proj
    with torch.no_grad(), silenced_heads(model, sites, {"model.layers.1.self_attn": [1, 3]}):
        handle = projection.register_forward_pre_hook(lambda _, args: seen.update(x=args[0]))
        silent = model(tokens).logits
        handle.remove()
    kept = seen["x"].unflatten(-1, (4, 8)).abs().sum((0, 1, 3))
    assert (kept > 0).tolist() == [True, False, True, False]
    with torch.no_grad():
        assert not torch.allclose(silent, model(tokens).logits)
    refused = pytest.raises(DataError, match=r"got heads of layer, expected modules of: model\.")
    with refused, silenced_heads(model, sites, {"layer": [0]}):
        pass


def test_tiles_of_a_diagonal():
    count = tile_count(torch.eye(10, dtype=torch.bool), 4, 4)
    assert (count.computed, count.tiles, count.pairs) == (3, 9, 10)
    assert (count.speedup, count.limit) == (3.0, 10.0)
