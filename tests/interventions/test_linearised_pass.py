"""The linearised pass: exact for whatever runs, and refused with the reason elsewhere."""

import json
from pathlib import Path

import pytest
import torch
from causal_architectures import tiny_causal_model
from torch import nn

from sparsetime import seeds
from sparsetime.errors import ConfigError, DataError
from sparsetime.interventions.linearised_pass import LinearisedPass, linearised_pass
from sparsetime.interventions.nonlinear_modules import nonlinear_modules

TOKENS = torch.arange(3, 15)
# One of each way to compute: norms, fused attention, mixtures, soft caps, gates, mixers, ALiBi.
ARCHITECTURES = {
    "llama": "model.layers.0.mlp",
    "gpt2": "transformer.h.0.mlp",
    "opt": "model.decoder.layers.0.activation_fn",
    "gemma2": "model.layers.0.mlp",
    "mixtral": "model.layers.0.mlp",
    "bert": "bert.encoder.layer.0.intermediate",
    "rwkv": "rwkv.blocks.0.attention",
}


@pytest.fixture(scope="module")
def llama():
    return tiny_causal_model("llama")


@pytest.fixture(scope="module")
def linearised(llama):
    return linearised_pass(llama, TOKENS, reads=["model.layers.1.mlp:input", "lm_head"])


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_pass_is_exact_and_cut_where_it_must_be(name):
    linearised = linearised_pass(tiny_causal_model(name), TOKENS)
    guards = linearised.guards
    assert max(guards.output, guards.affine, guards.sums) < 1e-5
    assert guards.hessian == 0
    assert ARCHITECTURES[name] in linearised.writes
    assert linearised.frozen_counts


def test_outputs_are_those_of_the_model(llama, linearised):
    with torch.no_grad():
        plain = llama(input_ids=TOKENS[None]).logits
    torch.testing.assert_close(linearised.output, plain, rtol=0, atol=1e-6)


def test_gradients_and_constants_give_every_read(linearised):
    draw = seeds.torch_generator(0, "random inputs")
    covectors = torch.randn(3, *linearised.reads["lm_head"].shape, generator=draw)
    gradients = linearised.gradients("lm_head", covectors)
    total = (covectors * linearised.constants["lm_head"]).sum((1, 2, 3))
    for site, gradient in gradients.items():
        total = total + (gradient * linearised.writes[site]).sum((1, 2, 3)).detach()
    expected = (covectors * linearised.reads["lm_head"]).sum((1, 2, 3)).detach()
    torch.testing.assert_close(total, expected, rtol=1e-5, atol=1e-6)


def test_an_earlier_read_has_no_gradient_at_a_later_write(linearised):
    read = linearised.reads["model.layers.1.mlp:input"]
    gradients = linearised.gradients("model.layers.1.mlp:input", torch.ones(1, *read.shape))
    assert list(gradients) == ["model.embed_tokens", "model.layers.0.mlp"]


def test_other_writes_move_reads_along_the_gradient(linearised):
    site = "model.layers.0.mlp"
    moved = {site: linearised.writes[site].detach() * 3}
    covector = torch.ones(1, *linearised.reads["lm_head"].shape)
    slope = (linearised.gradients("lm_head", covector)[site] * moved[site]).sum() * 2 / 3
    change = (linearised.at(moved)["lm_head"] - linearised.reads["lm_head"]).sum()
    torch.testing.assert_close(change.detach(), slope.detach(), rtol=1e-4, atol=1e-5)


def test_what_is_frozen_is_listed_with_its_module(linearised):
    listed = {(value.kind, value.module) for value in linearised.frozen}
    assert ("attention pattern", "model.layers.0.self_attn") in listed
    assert ("normalisation scale", "model.norm") in listed
    pattern = next(v.value for v in linearised.frozen if v.kind == "attention pattern")
    assert pattern.shape == (1, 4, 12, 12)
    torch.testing.assert_close(pattern.sum(-1), torch.ones(1, 4, 12))


def test_parameters_and_mode_are_left_as_they_were(llama):
    llama.train()
    linearised_pass(llama, TOKENS)
    assert llama.training
    assert all(p.requires_grad and p.grad is None for p in llama.parameters())
    llama.eval()


def test_a_piecewise_linear_module_is_cut_although_its_hessian_is_zero():
    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.mlp = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4))

        def forward(self, x):
            return x + self.mlp(x)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(20, 4)
            self.layers = nn.ModuleList([Layer(), Layer()])

        def forward(self, tokens):
            x = self.embed(tokens)
            for layer in self.layers:
                x = layer(x)
            return x

    with seeds.torch_globals(0, "random inputs"):
        model = Model()
    assert nonlinear_modules(model, TOKENS[None], ()) == ["embed", "layers.0.mlp", "layers.1.mlp"]
    with pytest.raises(DataError, match=r"of Model is not affine: second difference .* Hessian 0"):
        linearised_pass(model, TOKENS[None], ["embed"], find=False)


def test_a_model_that_is_bent_outside_of_its_modules_is_refused():
    with pytest.raises(DataError, match=r"is not affine: .* add the module that is not affine"):
        linearised_pass(tiny_causal_model("gemma2"), TOKENS, reads=["."])


def test_half_precision_is_refused_before_work(llama):
    with pytest.raises(ConfigError, match=r"got .* in torch.bfloat16, .* call model.float\(\)"):
        linearised_pass(tiny_causal_model("llama").bfloat16(), TOKENS)


def test_a_shared_module_is_refused():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(20, 4)
            self.layers = nn.ModuleList([nn.Tanh()])

        def forward(self, tokens):
            return self.layers[0](self.layers[0](self.embed(tokens)))

    with pytest.raises(ConfigError, match="is passed 2 times in one forward pass"):
        linearised_pass(Twice(), TOKENS[None], ["embed", "layers.0"])


def test_an_input_without_tokens_is_refused(llama):
    with pytest.raises(DataError, match=r"got tokens of the shape \[0\], expected"):
        linearised_pass(llama, torch.zeros(0, dtype=torch.long))
    assert LinearisedPass.__doc__


def test_the_recorded_table_has_nine_of_ten_architectures_exact():
    path = Path(__file__).parents[2] / "benchmarks/results/linearised_architectures.json"
    rows = json.loads(path.read_text(encoding="utf-8"))
    built = {name: row for name, row in rows.items() if row["outcome"] != "unbuilt"}
    exact = [name for name, row in built.items() if row["outcome"] == "exact"]
    assert len(built) >= 40
    assert len(exact) / len(built) >= 0.9
    assert set(ARCHITECTURES) <= set(exact)
    assert all(row["reason"] for row in built.values() if row["outcome"] == "refused")
