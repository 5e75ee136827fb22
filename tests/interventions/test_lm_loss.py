"""Activations replaced at a site: the loss, its gradients, and errors for bad input."""

import copy

import pytest
import torch
from torch import nn
from toy_models import Blocks, bert, llama_lm

from sparsetime.errors import ConfigError, DataError, MismatchError, UnknownNameError
from sparsetime.interventions.lm_loss import loss_gradients, next_token_loss
from sparsetime.interventions.patch import patched

TOKENS = torch.randint(0, 50, (3, 12), generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def model():
    return llama_lm(num_hidden_layers=3, attention_dropout=0.5)


SITES = ["model.layers.1", "model.layers.1.mlp", "model.layers.2:input", "model.layers.1.self_attn"]


def test_the_loss_is_the_one_that_transformers_computes(model):
    expected = model.eval()(input_ids=TOKENS, labels=TOKENS).loss
    model.train()
    torch.testing.assert_close(next_token_loss(model, TOKENS), expected)
    assert model.training  # left as it was, and run without dropout


@pytest.mark.parametrize("site", SITES)
def test_replacing_by_the_same_changes_nothing_and_by_zeros_does(model, site):
    same = next_token_loss(model, TOKENS, site, lambda x: x.clone())
    assert torch.equal(same, next_token_loss(model, TOKENS))
    zeros = next_token_loss(model, TOKENS, site, torch.zeros_like)
    assert not torch.equal(zeros, same)


def test_a_layer_replaced_by_the_layer_before_it_is_a_layer_left_out(model):
    last = "model.layers.2"
    kept = {}

    def keep(x):
        kept["x"] = x
        return x

    next_token_loss(model, TOKENS, f"{last}:input", keep)
    skipped = next_token_loss(model, TOKENS, last, lambda x: kept["x"])
    shorter = model.model.layers[2]
    model.model.layers[2] = nn.Identity()
    try:
        logits = model.lm_head(model.model.norm(kept["x"]))
    finally:
        model.model.layers[2] = shorter
    expected = nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), TOKENS[:, 1:].flatten())
    torch.testing.assert_close(skipped, expected)


def test_gradients_reach_what_replace_computes_with(model):
    scale = torch.ones(16, requires_grad=True)
    next_token_loss(model, TOKENS, "model.layers.1", lambda x: x * scale).backward()
    assert scale.grad is not None and float(scale.grad.abs().sum()) > 0
    model.zero_grad()
    with torch.no_grad():
        assert not next_token_loss(model, TOKENS).requires_grad


@pytest.mark.parametrize("site", SITES)
def test_loss_gradients_are_the_slope_of_the_loss(model, site):
    exact = copy.deepcopy(model).double()
    x, gradient = loss_gradients(exact, TOKENS, site)
    assert x.shape == gradient.shape == (3, 12, 16)
    assert all(p.grad is None for p in exact.parameters())
    direction = torch.randn(x.shape, generator=torch.Generator().manual_seed(1)).double()
    with torch.no_grad():
        up, down = (
            next_token_loss(exact, TOKENS, site, lambda x, s=s: x + s * 1e-4 * direction) * 33
            for s in (1, -1)
        )
    slope = float((up - down) / 2e-4)
    assert slope == pytest.approx(float((gradient * direction).sum()), rel=2e-3)


def test_a_sequences_gradient_does_not_depend_on_its_batch(model):
    _, together = loss_gradients(model, TOKENS, "model.layers.1")
    _, alone = loss_gradients(model, TOKENS[:1], "model.layers.1")
    torch.testing.assert_close(together[:1], alone)


def test_padding_is_neither_attended_to_nor_predicted(model):
    mask = torch.ones(3, 12, dtype=torch.bool)
    mask[0, 7:] = False
    padded = next_token_loss(model, TOKENS, mask=mask)
    changed = TOKENS.clone()
    changed[0, 7:] = 1
    assert torch.equal(padded, next_token_loss(model, changed, mask=mask))
    rows = [next_token_loss(model, TOKENS[:1, :7]) * 6, next_token_loss(model, TOKENS[1:]) * 22]
    torch.testing.assert_close(padded, sum(rows) / 28)


def test_values_in_tuples_and_dataclasses_keep_the_other_values():
    toy = Blocks()
    x = torch.randn(2, 5, 3)
    with torch.no_grad():
        plain = toy(x)
        for site in ("lstm", "boxed"):
            with patched(toy, site, lambda v: v.clone(), 2, 5):
                same = toy(x)
            torch.testing.assert_close(same, plain)
            with patched(toy, site, lambda v: v * 2 + 1, 2, 5):
                other = toy(x)
            assert not torch.allclose(other, plain)
            assert torch.equal(toy(x), plain)  # nothing stays behind


def test_what_cannot_be_done_is_said(model):
    with pytest.raises(UnknownNameError, match="did you mean 'model"):
        next_token_loss(model, TOKENS, "model.layer.1", torch.zeros_like)
    with pytest.raises(MismatchError, match=r"got \[3, 12, 8\] from .* shape \[3, 12, 16\]"):
        next_token_loss(model, TOKENS, "model.layers.1", lambda x: x[..., :8])
    with pytest.raises(MismatchError, match="give both, or neither"):
        next_token_loss(model, TOKENS, "model.layers.1")
    with pytest.raises(DataError, match="no next token to predict"):
        next_token_loss(model, TOKENS[:, :1])
    with pytest.raises(DataError, match="BertModel gives no logits"):
        next_token_loss(bert(), torch.tensor([[5, 6, 7]]))
    toy = Blocks()
    with pytest.raises(DataError, match="nothing was replaced"), patched(toy, "lstm", id, 2, 5):
        pass
    shared = nn.Sequential(layer := nn.Linear(3, 3), layer)
    twice = patched(shared, "0", torch.zeros_like, 2, 5)
    with pytest.raises(ConfigError, match="passed 2 times"), twice:
        shared(torch.randn(2, 5, 3))
