"""st.attend: models by every door, masks, decoding with a cache, reports and refusals."""

import math

import pytest
import torch
from attention.zoo import small, small_llama
from torch import nn

import sparsetime as st
from sparsetime.errors import ConfigError
from sparsetime.models.load import LoadedModel

WHOLE = {"window": 64}


@pytest.fixture(scope="module")
def llama():
    model, tokens = small_llama()
    with torch.no_grad():
        return model, tokens, model(tokens).logits


def logits(model, tokens, **named):
    with torch.no_grad():
        return model(tokens, **named).logits


def test_a_full_window_is_dense_and_the_model_is_restored(llama):
    model, tokens, dense = llama
    with st.attend(model, small("streaming_llm", **WHOLE)) as run:
        assert torch.allclose(logits(model, tokens), dense, atol=1e-5)
    assert [call.module for call in run.calls] == [f"model.layers.{n}.self_attn" for n in (0, 1)]
    assert model.config._attn_implementation == "sdpa"
    assert torch.equal(logits(model, tokens), dense)


def test_a_sparse_policy_changes_what_the_model_computes(llama):
    model, tokens, dense = llama
    with st.attend(model, small("streaming_llm", window=2, sinks=1), measure=True) as run:
        assert not torch.allclose(logits(model, tokens), dense, atol=1e-3)
    report = run.report()
    assert report.sparsity() > 0.6
    assert all(0 < head.mass_kept < 1 and head.output_error > 0 for head in report.heads)
    # One pattern for 2 sequences and 4 heads; a key and a value of 8 numbers each.
    reads = sum(2 * 4 * 2 * 4 * 8 * int(c.pattern.listed_keys.sum()) for c in run.calls)
    assert sum(head.bytes_read for head in report.heads) == reads
    assert {"heads", "seconds", "dense_layers"} == set(report.to_json())


def test_no_mask_is_dropped(llama):
    # A model whose attention function has no mask function of its own gets no mask, silently.
    model, tokens, _ = llama
    mask = torch.ones_like(tokens)
    mask[1, :7] = 0
    other = tokens.clone()
    other[1, :7] = 3
    with st.attend(model, small("streaming_llm", **WHOLE)) as run:
        masked = logits(model, tokens, attention_mask=mask)
        again = logits(model, other, attention_mask=mask)
    assert torch.allclose(masked[1, 7:], again[1, 7:], atol=1e-6)
    expected = logits(model, tokens, attention_mask=mask)
    assert torch.allclose(masked[mask.bool()], expected[mask.bool()], atol=1e-5)
    assert run.dense_layers == {}


def test_later_tokens_change_nothing_earlier(llama):
    model, tokens, _ = llama
    changed = tokens.clone()
    changed[:, 15:] = 1
    with st.attend(model, small("exact_top_k")):
        first, second = (logits(model, each)[:, :15] for each in (tokens, changed))
    assert torch.allclose(first, second, atol=1e-6)


@pytest.mark.parametrize("name", ["exact_top_k", "streaming_llm", "moba"])
def test_one_pass_equals_steps_with_a_cache(llama, name):
    model, tokens, _ = llama
    with st.attend(model, small(name)) as run:
        whole = logits(model, tokens)
        run.new_sequence()
        with torch.no_grad():
            first = model(tokens[:, :-3], use_cache=True)
            steps = [first.logits[:, -1:]]
            cache = first.past_key_values
            for t in range(-3, 0):
                end = tokens.shape[1] + t + 1
                steps.append(
                    model(tokens[:, end - 1 : end], past_key_values=cache, use_cache=True).logits
                )
    assert torch.allclose(torch.cat(steps, 1), whole[:, -4:], atol=1e-5)
    assert [c.step for c in run.calls if c.phase == "decode"] == [1, 1, 2, 2, 3, 3]


def test_prefill_and_decode_have_policies_of_their_own(llama):
    model, tokens, _ = llama
    with st.attend(model, prefill=small("streaming_llm"), decode=small("quest")) as run:
        model.generate(tokens[:, :12], max_new_tokens=4, do_sample=False)
    assert {call.phase for call in run.calls} == {"prefill", "decode"}
    grids = {call.phase: call.pattern.key_units for call in run.calls}
    assert grids["decode"] < grids["prefill"]
    with st.attend(model, small("snapkv")) as run:
        model.generate(tokens[:, :20], max_new_tokens=3, do_sample=False)
    assert all("does not apply in prefill" in reason for reason in run.dense_layers.values())
    assert math.isnan(run.report().sparsity("prefill"))
    assert run.report().sparsity("decode") > 0.2


def test_an_equal_budget_is_solved_when_the_policy_is_attached(llama):
    model, tokens, _ = llama
    with st.attend(model, small("exact_top_k").at(sparsity=0.6, data=tokens)) as run:
        logits(model, tokens)
    assert run.report().sparsity() == pytest.approx(0.6, abs=0.06)


class Caller(nn.Module):
    """Self-attention that calls torch's operation."""

    def __init__(self):
        super().__init__()
        self.project = nn.Linear(8, 24)

    def forward(self, x):
        q, k, v = self.project(x).unflatten(-1, (3, 2, 4)).permute(2, 0, 3, 1, 4)
        out = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return out.transpose(1, 2).flatten(2)


def test_any_module_that_calls_torchs_attention():
    model, x = nn.Sequential(Caller(), Caller()), torch.linspace(-1, 1, 160).reshape(2, 10, 8)
    dense = model(x)
    with st.attend(model, small("streaming_llm", **WHOLE)) as run:
        assert torch.allclose(model(x), dense, atol=1e-6)
    assert [call.module for call in run.calls] == ["0", "1"]
    with st.attend(model, small("streaming_llm", window=1, sinks=1)):
        assert not torch.allclose(model(x), dense, atol=1e-3)
    assert torch.equal(model(x), dense)


def encoder():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()


def test_multihead_attention_with_padding():
    model, x = encoder(), torch.linspace(-1, 1, 160).reshape(2, 10, 8)
    padding = torch.zeros(2, 10, dtype=torch.bool)
    padding[1, 7:] = True
    fast = torch.backends.mha.get_fastpath_enabled()
    dense = model(x, src_key_padding_mask=padding)
    with st.attend(model, small("sliding_window", **WHOLE)) as run:
        sparse = model(x, src_key_padding_mask=padding)
    assert torch.allclose(sparse[~padding], dense[~padding], atol=1e-5)
    assert len(run.calls) == 2
    assert torch.backends.mha.get_fastpath_enabled() == fast
    with st.attend(model, small("sliding_window", window=1)):
        assert not torch.allclose(model(x), model.norm or x, atol=1e-3)


def test_what_stays_dense_is_listed_with_the_reason():
    model, x = nn.MultiheadAttention(8, 2, batch_first=True), torch.ones(1, 6, 8)
    bias = torch.linspace(0, 1, 36).reshape(6, 6)
    expected = model(x, x, x, attn_mask=bias, need_weights=False)[0]
    with st.attend(model, small("sliding_window")) as run:
        out = model(x, x, x, attn_mask=bias, need_weights=False)[0]
        model(x, x, x)
    assert torch.allclose(out, expected)
    assert run.calls == []
    assert run.dense_layers == {"": "the mask adds a bias to the scores"}


def test_what_cannot_run_is_refused(llama):
    model, tokens, _ = llama
    policy = small("streaming_llm")
    unreached, both_ways = nn.Sequential(nn.Linear(8, 8)), encoder()
    refused = pytest.raises(ConfigError, match="cannot be reached: it called neither")
    with refused, st.attend(unreached, policy):
        unreached(torch.ones(1, 8))
    refused = pytest.raises(ConfigError, match=r"causal attention, and layers.0.self_attn is bidir")
    with refused, st.attend(both_ways, policy):
        both_ways(torch.ones(1, 6, 8))
    with pytest.raises(ConfigError, match="got no policy, expected policy="):
        st.attend(model)
    with pytest.raises(ConfigError, match="expected policy= or prefill= and decode="):
        st.attend(model, policy, decode=policy)
    with st.attend(model, policy), pytest.raises(ConfigError, match="detach the earlier run"):
        st.attend(model, policy)
    refused = pytest.raises(ConfigError, match="70 tokens, and the model has positions for 64")
    with refused, st.attend(model, policy):
        model(tokens[:1].repeat(1, 3)[:, :70])
    with pytest.raises(ConfigError, match="got texts and a model without a tokenizer"):
        st.attend(model, small("moba").at(sparsity=0.5, data=["text"]))
    assert model.config._attn_implementation == "sdpa"
    assert isinstance(model, nn.Module) and not isinstance(model, LoadedModel)


def decoded(model, tokens, **policies):
    """Patterns of one decoding step by module."""
    with st.attend(model, **policies) as run, torch.no_grad():
        first = model(tokens[:, :-1], use_cache=True)
        model(tokens[:, -1:], past_key_values=first.past_key_values, use_cache=True)
    return [call.pattern for call in run.calls if call.phase == "decode"]


@pytest.mark.parametrize("decode", ["snapkv", "quest"])
def test_policies_of_two_phases_keep_what_they_need_apart(llama, decode):
    model, tokens, _ = llama
    pages = st.attention.AttentionPolicy(
        "blocks", scorer="extremes", budget={"kind": "top_keys", "keys": 64}, phases=["prefill"]
    )
    for prefill in (pages, small("sample_attention", mass=1.0, window=64)):
        # Prefill reads all keys, so that the step after it has the same queries and keys.
        with_prefill = decoded(model, tokens, prefill=prefill, decode=small(decode))
        for one, other in zip(
            with_prefill, decoded(model, tokens, decode=small(decode)), strict=True
        ):
            assert torch.equal(one.mask(), other.mask())
