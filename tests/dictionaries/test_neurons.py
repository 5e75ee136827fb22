"""st.neurons: MLPs are found by running the model, and neurons reconstruct them exactly."""

import pytest
import torch
from torch import nn
from transformers import (
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
)

import sparsetime as st
from sparsetime import seeds
from sparsetime.dictionaries.encoders import NeuronEncoder
from sparsetime.errors import ConfigError, UnknownNameError
from sparsetime.models.hooks import recording

SIZES = {"vocab_size": 50, "hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2}
TOKENS = torch.arange(10)[None]


def llama(**settings):
    return LlamaForCausalLM(LlamaConfig(**SIZES, intermediate_size=20, **settings))


def gpt2():
    return GPT2LMHeadModel(
        GPT2Config(vocab_size=50, n_embd=12, n_layer=2, n_head=2, n_inner=20, n_positions=32)
    )


def bert():
    return BertModel(BertConfig(**SIZES, intermediate_size=20))


class Plain(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(12, 20), function, nn.Linear(20, 7))

    def forward(self, x):
        return self.mlp(x)


MODELS = {
    "llama": (llama, "model.layers.1.mlp", "gated_neurons", "silu", "model.layers.1.mlp:input"),
    "gated gelu": (
        lambda: llama(hidden_act="gelu_pytorch_tanh", mlp_bias=True),
        "model.layers.1",
        "gated_neurons",
        "gelu_tanh",
        "model.layers.1.mlp:input",
    ),
    "gpt2": (gpt2, "transformer.h.0", "neurons", "gelu_tanh", "transformer.h.0.mlp:input"),
    "bert": (bert, "encoder.layer.1", "neurons", "gelu", "encoder.layer.1.intermediate:input"),
    "plain": (lambda: Plain(nn.ReLU()), "mlp", "neurons", "relu", "mlp:input"),
}


def built(make):
    with seeds.torch_globals(0, "random inputs"):
        model = make().eval()
        for name, value in model.named_parameters():  # biases begin at 0, and neurons near 0
            if name.endswith("bias") or ".mlp." in name or "intermediate" in name:
                nn.init.normal_(value, std=0.5)
        return model


@pytest.mark.parametrize("name", MODELS)
def test_neurons_reconstruct_what_the_mlp_writes(name):
    make, site, kind, nonlinearity, reads = MODELS[name]
    model = built(make)
    inputs = torch.randn(3, 4, 12) if name == "plain" else TOKENS
    sae = st.neurons(model, site, sample=inputs if name == "plain" else None)
    assert (sae.encoder.kind, sae.encoder.settings["nonlinearity"]) == (kind, nonlinearity)
    assert sae.provenance["reads"] == reads
    assert sae.width == 20
    sites = [sae.provenance["reads"], sae.provenance["writes"]]
    with recording(model, sites) as activations:
        model(inputs)
    read, wrote = (activations[one] for one in sites)
    torch.testing.assert_close(sae(read), wrote, rtol=0, atol=1e-5)


def test_the_largest_neurons_are_kept_with_their_sign():
    model = built(llama)
    sae = st.neurons(model, "model.layers.0.mlp", k=3)
    x = torch.randn(5, 12)
    mlp = model.model.layers[0].mlp
    every = (nn.functional.silu(mlp.gate_proj(x)) * mlp.up_proj(x)).detach()
    smallest = every.abs().topk(3).values[:, -1:]
    kept = torch.where(every.abs() >= smallest, every, 0)
    torch.testing.assert_close(sae.encode(x).dense(), kept)
    torch.testing.assert_close(sae.atoms, mlp.down_proj.weight.T)


def test_neurons_are_saved_and_indexed_like_features(tmp_path):
    model = built(llama)
    sae = st.neurons(model, "model.layers.0.mlp", k=4)
    sae.save(tmp_path / "neurons")
    x = torch.randn(5, 12)
    assert st.load(tmp_path / "neurons").encode(x).dense().equal(sae.encode(x).dense())
    documents = [st.Document(str(i), tokens=TOKENS[0] + i) for i in range(3)]
    store = st.capture(
        model, documents, sae.provenance["reads"], tmp_path / "store", progress=False
    )
    index = st.index(sae, store, out=tmp_path / "index", progress=False)
    assert index.width == 20


def test_what_has_no_such_structure_is_refused_in_words():
    model = built(llama)
    with pytest.raises(ConfigError, match="with 0 MLPs of one hidden layer, expected one") as error:
        st.neurons(model, "model.layers.0.self_attn")
    assert "model.layers.0.self_attn.q_proj [12, 12]" in str(error.value)
    with pytest.raises(ConfigError, match="with 2 MLPs of one hidden layer"):
        st.neurons(model, "model")
    with pytest.raises(UnknownNameError, match=r"model\.layers\.0\.mlp"):
        st.neurons(model, "model.layers.0.mpl")
    with pytest.raises(ConfigError, match="got k=21 of 20 neurons, expected 1 to 20, or None"):
        st.neurons(model, "model.layers.0.mlp", k=21)
    with pytest.raises(ConfigError, match="needs an input to run on; give one as sample="):
        st.neurons(Plain(nn.ReLU()), "mlp")
    with pytest.raises(ConfigError, match="with 0 MLPs"):
        st.neurons(Plain(nn.Softplus()), "mlp", sample=torch.randn(2, 3, 12))
    with pytest.raises(ConfigError, match="got the nonlinearity 'softplus' of neurons, expected"):
        NeuronEncoder(d_in=3, width=4, nonlinearity="softplus")


@pytest.mark.filterwarnings("ignore:after .* explains almost nothing")
def test_training_starts_from_the_neurons_of_the_model(tmp_path):
    sae = st.neurons(built(gpt2), "transformer.h.0")
    x = torch.randn(128, 12, generator=torch.Generator().manual_seed(0))
    before = sae(x).detach()
    data = {"x": x, "target": before}
    st.train(sae, data, out=tmp_path, rows=64, batch=64, learning_rate=1e-7, show=False)
    assert sae.normalisation.scale == 1
    torch.testing.assert_close(sae(x), before, rtol=0, atol=1e-4)
