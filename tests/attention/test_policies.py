"""Every recipe of attention: causal, dense at full budget, exact gradients, saved settings."""

from dataclasses import replace

import pytest
import torch
from attention.zoo import CARDS, call, fitted, small

import sparsetime as st
from sparsetime import kernels, seeds
from sparsetime.attention.budgets.top_k import largest
from sparsetime.attention.equal_budget import decoding_steps, solved_on
from sparsetime.attention_pattern import AttentionPattern
from sparsetime.errors import ConfigError, DamagedError, StoreError, UnknownNameError
from sparsetime.key_range import KeyRange

# Their geometry has sizes of a grid or a stride, and no setting that reads more keys step by step.
WITHOUT_BUDGET = {"neighbourhood", "sparse_transformer"}
ADJUSTABLE = [name for name in CARDS if name not in WITHOUT_BUDGET]


@pytest.fixture(params=CARDS)
def policy(request):
    return fitted(small(request.param), call())


def calls_of(policy):
    """Calls of a direction and phase to which the policy applies."""
    inputs = call(causal=policy.causal is not False)
    return [inputs] if "prefill" in policy.phases else decoding_steps(policy, inputs, 2)


def test_a_pattern_reads_no_key_out_of_range(policy):
    for inputs in calls_of(policy):
        pattern = policy.select(policy.layout.arranged(inputs))
        assert not (pattern.mask() & ~pattern.readable.allowed()).any()
        assert 0 < pattern.pairs < pattern.readable_pairs
        assert pattern.mask().any(3).all(), "every query reads a key"


@pytest.mark.parametrize("name", ADJUSTABLE)
def test_full_budget_is_dense_attention(name):
    policy = fitted(small(name), call())
    inputs = calls_of(policy)
    policy = solved_on(policy, 0.0, inputs, "prefill")
    for one in inputs:
        arranged = policy.layout.arranged(one)
        out, _ = policy.attend(arranged, policy.select(arranged))
        dense, _ = kernels.attend(one.q, one.k, one.v, AttentionPattern.full(one.readable))
        torch.testing.assert_close(out, dense, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ADJUSTABLE)
def test_an_equal_budget_is_met(name):
    policy = fitted(small(name), call())
    inputs = calls_of(policy)
    solved = solved_on(policy, 0.5, inputs, "prefill")
    patterns = [solved.select(solved.layout.arranged(one)) for one in inputs]
    read = sum(p.pairs for p in patterns) / sum(p.readable_pairs for p in patterns)
    assert read == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("name", ["quest", "loki", "double_sparsity"])
def test_scores_of_a_growing_cache_are_those_of_a_new_one(name):
    whole = call()
    policy, kept = fitted(small(name), whole), {"keeps": True}
    for keys in (9, 10, 11, 16, 17, 30, 40):
        step = replace(
            whole,
            q=whole.q[:, :, keys - 1 : keys],
            k=whole.k[:, :, :keys],
            v=whole.v[:, :, :keys],
            readable=KeyRange.causal(1, keys),
        )
        grown, new = (policy.scored(replace(step, state=state)) for state in (kept, {}))
        torch.testing.assert_close(grown.score, new.score)


def test_gradients_are_those_of_attention_under_the_pattern(policy):
    inputs = calls_of(policy)[-1]
    arranged = policy.layout.arranged(inputs)
    pattern = policy.select(arranged)
    leaves = [t.clone().requires_grad_() for t in (arranged.q, arranged.k, arranged.v)]
    gradients = []
    for name in ("cpu", "reference"):
        with kernels.use(name):
            out, _ = kernels.attend(*leaves, pattern)
        gradients.append(torch.autograd.grad(out.square().sum(), leaves))
    for mine, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, expected, rtol=1e-4, atol=1e-5)


def test_config_and_weights_make_the_same_policy(policy, tmp_path):
    st.attention.save_policy(policy, tmp_path / "policy")
    again = st.attention.load_policy(tmp_path / "policy")
    assert again.to_config() == policy.to_config()
    inputs = calls_of(policy)[0]
    arranged = policy.layout.arranged(inputs)
    assert torch.equal(policy.select(arranged).mask(), again.select(arranged).mask())


def test_the_card_is_complete(policy):
    card = CARDS[policy.name]
    assert set(card.components) == {
        "layout", "geometry", "scorer", "budget", "remainder", "schedule",
    }  # fmt: skip
    assert card.kind == "attention policy"


def test_what_cannot_be_is_refused():
    with pytest.raises(UnknownNameError, match="did you mean 'quest'"):
        st.attention_policy("queste")
    with pytest.raises(ConfigError, match="'topk' of kind 'dictionary', expected one of kind"):
        st.attention_policy("topk")
    with pytest.raises(ConfigError, match="budget of 0 keys, expected at least 1"):
        small("moba", keys=0)
    with pytest.raises(ConfigError, match="phase='prefill' for the policy 'quest', which applies"):
        small("quest").at(sparsity=0.5, data=["a"], phase="prefill")
    with pytest.raises(ConfigError, match="got sparsity=1, expected the share"):
        small("moba").at(sparsity=1, data=["a"])
    with pytest.raises(ConfigError, match=r"sparsity=0.999 .* leaves out .* ask for another"):
        solved_on(small("moba"), 0.999, [call()], "prefill")
    with pytest.raises(UnknownNameError, match="phase of attention 'decoding'"):
        st.attention.AttentionPolicy("blocks", phases=["decoding"])
    with pytest.raises(ConfigError, match="of role budget, as layout; give it as budget"):
        st.attention.AttentionPolicy(small("moba").budget)
    with pytest.raises(ConfigError, match="none of whose components has a setting of its budget"):
        solved_on(st.attention.AttentionPolicy("blocks"), 0.5, [call()], "prefill")


def test_a_damaged_policy_is_refused(tmp_path):
    folder = tmp_path / "policy"
    with pytest.raises(StoreError, match=r"holds no policy.json, so it is no saved attention"):
        st.attention.load_policy(tmp_path)
    st.attention.save_policy(fitted(small("loki"), call()), folder)
    for name in ("policy.json", "policy.safetensors"):
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
        with pytest.raises(DamagedError, match=name):
            st.attention.load_policy(folder)
        (folder / name).write_bytes(data)


@pytest.mark.parametrize("case", ["random", "ties", "unread"])
def test_the_largest_of_long_rows_are_those_of_topk(case):
    values = torch.randn(3, 2, 2000, generator=seeds.torch_generator(0, "random inputs"))
    if case == "ties":
        values = values.round()
    if case == "unread":
        values[..., 100:] = -torch.inf
    kept = largest(values, 300)
    assert (kept.sum(-1) == 300).all()
    least = values.topk(300, -1).values[..., -1:]
    assert kept[values > least].all() and not kept[values < least].any()
