"""Attention layers that are trained with a policy: gradients, learning, and what is refused."""

import pytest
import torch
from attention.zoo import CARDS, small, small_llama

import sparsetime as st
from sparsetime import seeds
from sparsetime.errors import ConfigError

WHOLE = [n for n in CARDS if "prefill" in small(n).phases and not small(n).needs_fit]
MASKED = [n for n in WHOLE if small(n).components["remainder"].kind == "nothing"]


def ready(name, **settings):
    skips = {"skip_layers": 0} if "skip_layers" in CARDS[name].defaults else {}
    policy = small(name, **skips, **settings)
    return policy.layer(16, 4, key_heads=2, causal=policy.causal is not False)


def inputs():
    return torch.randn(2, 40, 16, generator=seeds.torch_generator(0, "random inputs"))


def reference(layer, x):
    """Dense attention under the mask of the pattern that the layer reads."""
    seen = []
    choose = layer.policy.attend
    layer.policy.attend = lambda given, pattern: (
        seen.append((given, pattern)) or choose(given, pattern)
    )
    layer(x)
    del layer.policy.attend
    ((given, pattern),) = seen
    mask = pattern.expand(2, 4).mask()
    k, v = (t.repeat_interleave(2, 1) for t in (given.k, given.v))
    out = torch.nn.functional.scaled_dot_product_attention(given.q, k, v, attn_mask=mask)
    return layer.out(out.transpose(1, 2).flatten(2))


@pytest.mark.parametrize("name", MASKED)
def test_outputs_and_gradients_are_those_of_the_masked_layer(name):
    layer = ready(name)
    grads = []
    for compute in (layer, lambda x: reference(layer, x)):
        x = inputs().requires_grad_()
        layer.zero_grad()
        y = compute(x)
        (y * torch.arange(16)).sum().backward()
        grads.append([y.detach(), x.grad, *(p.grad.clone() for p in layer.parameters())])
    for own, other in zip(*grads, strict=True):
        assert torch.allclose(own, other, atol=1e-4 * float(other.abs().max()) + 1e-6)


@pytest.mark.parametrize("name", WHOLE)
def test_no_step_of_a_causal_layer_reads_its_future(name):
    layer = ready(name)
    if not layer.causal:
        pytest.skip("bidirectional")
    if CARDS[name].defaults.get("sampled") or name in ("pbs_attn", "snapkv", "dhsa", "hip"):
        pytest.skip("keys are chosen by later queries too")
    x = inputs().requires_grad_()
    layer(x)[:, 17].sum().backward()
    assert float(x.grad[:, 18:].abs().max()) == 0


def test_a_layer_learns_and_is_saved():
    layer = ready("streaming_llm")
    optimiser = torch.optim.Adam(layer.parameters(), 1e-2)
    x = inputs()
    target = torch.cat([torch.zeros(2, 1, 16), x[:, :-1]], 1)
    losses = []
    for _ in range(12):
        loss = (layer(x) - target).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.95 * losses[0]
    other = ready("streaming_llm")
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other(x), layer(x))


def test_a_model_is_trained_within_attend():
    model, tokens = small_llama()
    with st.attend(model, small("sliding_window")) as run:
        run.model(tokens, labels=tokens).loss.backward()
    grads = [p.grad.clone() for p in model.parameters()]
    assert all(float(grad.abs().max()) > 0 for grad in grads)
    model.zero_grad()
    model(tokens, labels=tokens).loss.backward()
    pairs = zip(grads, model.parameters(), strict=True)
    assert any(not torch.allclose(own, dense.grad) for own, dense in pairs)


def test_what_is_refused():
    policy = small("sliding_window")
    with pytest.raises(ConfigError, match="got d=16, heads=3 and key_heads=3, expected heads that"):
        policy.layer(16, 3)
    with pytest.raises(ConfigError, match="heads=4 and key_heads=-2, expected heads that divide d"):
        policy.layer(16, 4, key_heads=-2)
    with pytest.raises(ConfigError, match="whose setting is solved or fitted on a model"):
        policy.at(sparsity=0.5, data=torch.zeros(1, 4)).layer(16, 4)
    with pytest.raises(
        ConfigError, match="'quest', which leaves layers dense or applies in decode"
    ):
        st.attention_policy("quest").layer(16, 4)
    with pytest.raises(ConfigError, match="for causal attention, expected one for bidirectional"):
        small("streaming_llm").layer(16, 4, causal=False)
