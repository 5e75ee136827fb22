"""Kept attention: runs of patterns, strongest pairs, files, and what is refused."""

import numpy as np
import pytest
import torch
from attention.zoo import CARDS, call, fitted, small, small_llama

import sparsetime as st
from sparsetime.attention.kept.kept_attention import JSON_NAME
from sparsetime.attention.kept.pattern_runs import pattern_runs
from sparsetime.attention.kept.runs import is_read, pairs_in_cells, runs_between
from sparsetime.attention.kept.strongest_pairs import copy_share
from sparsetime.attention.mass import attention_mass
from sparsetime.errors import ConfigError, DamagedError, DataError, StoreError, UnknownNameError


def mask_of(runs, queries, keys):
    mask = np.zeros((queries, keys), int)
    for q0, q1, k0, k1 in runs:
        mask[q0:q1, k0:k1] += 1
    return mask


@pytest.mark.parametrize("name", CARDS)
def test_runs_hold_the_pairs_of_a_pattern_once(name):
    policy = small(name)
    inputs = call(causal=policy.causal is not False)
    fitted(policy, inputs)
    inputs = policy.layout.arranged(inputs)
    pattern = policy.choose(inputs).expand(2, 4)
    mask = pattern.mask()[0]
    if not pattern.readable.is_in_order:
        places = pattern.readable.positions[0].argsort(-1)
        mask = mask.gather(2, places[:, None].expand_as(mask))
    for head in (0, 3):
        runs = pattern_runs(pattern, head)
        assert np.array_equal(mask_of(runs, 40, 40), mask[head].int().numpy())
        query, key = (x.reshape(-1) for x in np.meshgrid(range(40), range(40), indexing="ij"))
        assert np.array_equal(is_read(runs, query, key), mask[head].numpy().reshape(-1))


def test_pairs_of_cells_are_counted_exactly():
    runs = np.array([[0, 8, 0, 5], [2, 3, 7, 30], [8, 20, 3, 19], [20, 21, 0, 1]])
    mask = mask_of(runs, 24, 32)
    edges = np.array([1, 4, 5, 11, 24]), np.array([0, 3, 9, 10, 28])
    expected = np.array(
        [
            [mask[a:b, c:d].sum() for c, d in zip(edges[1][:-1], edges[1][1:], strict=True)]
            for a, b in zip(edges[0][:-1], edges[0][1:], strict=True)
        ]
    )
    assert np.array_equal(pairs_in_cells(runs, *edges), expected)
    within = runs_between(runs, (1, 24), (0, 28))
    assert np.array_equal(pairs_in_cells(within, *edges), expected)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    model, tokens = small_llama()
    folder = tmp_path_factory.mktemp("kept") / "attention"
    policies = [small("exact_top_k").at(sparsity=0.4, data=tokens), small("sliding_window")]
    st.attention.keep_attention(model, tokens[:1], folder, policies, strongest=5)
    return model, tokens[:1], st.attention.open_attention(folder)


def test_strongest_pairs_and_steps_are_those_of_dense_attention(kept):
    model, tokens, opened = kept
    calls = st.attention.recorded_calls(model, tokens)
    mass = torch.cat([attention_mass(one, torch.arange(one.queries))[0] for one in calls])
    assert len(opened.about["heads"]) == len(mass)
    at = torch.arange(opened.length)
    apart = (at[:, None] - at).abs()
    assert np.allclose(opened.distance, (mass * apart).sum(-1), atol=1e-4)
    assert np.allclose(opened.entropy, torch.special.entr(mass).sum(-1), atol=1e-4)
    later = (opened.length - 1 - at).clamp(min=1)
    received = ((mass * (apart > 0)).sum(1) / later).numpy()
    assert np.allclose(opened.received[:, :-1], received[:, :-1], atol=1e-5)
    assert np.isnan(opened.received[:, -1]).all()
    head = opened.head(3)
    assert np.array_equal(head.keys[20], mass[3, 20].topk(5).indices)
    assert np.allclose(head.weights[20], mass[3, 20].topk(5).values, atol=1e-3)
    assert (head.keys[0] == [0, -1, -1, -1, -1]).all()


def test_what_policies_read_is_kept_beside(kept):
    _, _, opened = kept
    assert [one["name"] for one in opened.about["policies"]] == ["exact_top_k", "sliding_window"]
    head = opened.head(2)
    window = mask_of(head.runs[1], opened.length, opened.length)
    at = np.arange(opened.length)
    back = at[:, None] - at
    assert np.array_equal(window == 1, (back >= 0) & (back < 8))
    assert np.array_equal(head.read[1][20], 20 - head.keys[20] < 8)
    values = opened.about["heads"][2]["policies"][1]
    assert 1 - values["sparsity"] == pytest.approx(window.sum() / (25 * 12))
    assert 0 < values["mass_kept"] <= 1


def test_a_head_that_reads_what_followed_a_copy_is_found():
    tokens = torch.tensor([5, 7, 9, 5, 7, 9])
    keys = torch.zeros(2, 6, 3, dtype=torch.long)
    keys[0, 3, 0], keys[0, 4, 0] = 1, 2
    assert copy_share(keys, tokens).tolist() == [1.0, 0.0]
    assert copy_share(keys, torch.arange(6)).isnan().all()


def test_what_is_refused(kept, tmp_path):
    model, tokens, opened = kept
    keep = st.attention.keep_attention
    with pytest.raises(DataError, match="2 sequences of tokens, expected one"):
        keep(model, tokens.repeat(2, 1), tmp_path / "a")
    with pytest.raises(DataError, match="1 texts of 24 tokens, expected one each"):
        keep(model, tokens, tmp_path / "a", texts=["x"])
    with pytest.raises(ConfigError, match="got strongest=0, expected at least one key"):
        keep(model, tokens, tmp_path / "a", strongest=0)
    with pytest.raises(ConfigError, match="'quest', which applies in decode alone"):
        keep(model, tokens, tmp_path / "a", [small("quest")])
    with pytest.raises(UnknownNameError, match="head of the kept attention"):
        opened.head(99)
    with pytest.raises(StoreError, match="holds no attention"):
        st.attention.open_attention(tmp_path)


def test_damage_is_noticed(kept, tmp_path):
    model, tokens, _ = kept
    st.attention.keep_attention(model, tokens, tmp_path / "a")
    file = tmp_path / "a" / "head-0.safetensors"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(DamagedError, match=r"head-0\.safetensors"):
        st.attention.open_attention(tmp_path / "a").head(0)
    (tmp_path / "a" / JSON_NAME).write_text("{}")
    with pytest.raises(DamagedError, match="does not describe kept attention"):
        st.attention.open_attention(tmp_path / "a")
