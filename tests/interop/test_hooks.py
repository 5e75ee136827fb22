"""Names of other libraries are sites of the model at hand, or refused with the candidates."""

import pytest
import torch
import transformers as hf

from sparsetime.errors import ConfigError
from sparsetime.interop import site_of_hook
from sparsetime.models.block_sites import block_sites
from sparsetime.models.load import load_model

SIZES = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": 50,
    "max_position_embeddings": 64,
}
GROUPED = {**SIZES, "num_key_value_heads": 2}
TOKENS = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
GPT2 = {"n_embd": 16, "n_layer": 2, "n_head": 4, "vocab_size": 50, "n_positions": 64}
MODELS = {
    "llama": lambda: hf.LlamaForCausalLM(hf.LlamaConfig(**GROUPED)),
    "gpt2": lambda: hf.GPT2LMHeadModel(hf.GPT2Config(**GPT2, bos_token_id=1, eos_token_id=2)),
    "gpt_neox": lambda: hf.GPTNeoXForCausalLM(hf.GPTNeoXConfig(**SIZES, **TOKENS)),
    "gemma2": lambda: hf.Gemma2ForCausalLM(hf.Gemma2Config(**GROUPED, head_dim=8)),
    "gemma3": lambda: hf.Gemma3ForCausalLM(hf.Gemma3TextConfig(**GROUPED, head_dim=8)),
    "bert": lambda: hf.BertModel(hf.BertConfig(**SIZES)),
}


@pytest.fixture(scope="module")
def models():
    torch.manual_seed(0)
    return {name: load_model(make().eval()) for name, make in MODELS.items()}


@pytest.mark.parametrize(
    ("name", "hook", "site"),
    [
        ("llama", "blocks.1.hook_resid_post", "model.layers.1"),
        ("llama", "blocks.1.hook_resid_pre", "model.layers.1:input"),
        ("llama", "blocks.1.hook_resid_mid", "model.layers.1.post_attention_layernorm:input"),
        ("llama", "blocks.1.hook_mlp_out", "model.layers.1.mlp"),
        ("llama", "blocks.1.hook_attn_out", "model.layers.1.self_attn"),
        ("llama", "blocks.1.attn.hook_z", "model.layers.1.self_attn.o_proj:input"),
        ("llama", "blocks.1.mlp.hook_in", "model.layers.1.mlp:input"),
        ("llama", "hook_embed", "model.embed_tokens"),
        ("gpt2", "blocks.0.hook_resid_mid", "transformer.h.0.ln_2:input"),
        ("gpt2", "blocks.0.hook_mlp_out", "transformer.h.0.mlp"),
        ("gpt2", "blocks.0.attn.hook_z", "transformer.h.0.attn.c_proj:input"),
        ("gpt2", "h.1", "transformer.h.1"),
        ("gpt_neox", "blocks.1.hook_mlp_out", "gpt_neox.layers.1.mlp"),
        ("gpt_neox", "resid_post_layer_1", "gpt_neox.layers.1"),
        # What Gemma adds to the stream is what the norm behind the module returns.
        ("gemma2", "blocks.1.hook_mlp_out", "model.layers.1.post_feedforward_layernorm"),
        ("gemma2", "blocks.1.hook_attn_out", "model.layers.1.post_attention_layernorm"),
        ("gemma2", "blocks.1.attn.hook_z", "model.layers.1.self_attn.o_proj:input"),
        ("gemma3", "blocks.1.hook_resid_mid", "model.layers.1.pre_feedforward_layernorm:input"),
        ("gemma3", "model.layers.1.output", "model.layers.1"),
        (
            "gemma3",
            "model.layers.1.self_attn.o_proj.input",
            "model.layers.1.self_attn.o_proj:input",
        ),
        ("bert", "blocks.1.hook_resid_post", "encoder.layer.1"),
        ("bert", "layer.1.output.dense", "encoder.layer.1.output.dense"),
    ],
)
def test_a_hook_is_a_site(models, name, hook, site):
    assert site_of_hook(hook, models[name]) == site


@pytest.mark.parametrize(
    ("name", "hook", "message"),
    [
        ("gemma2", "blocks.1.ln2.hook_normalized", r"before its weight.*mlp_in \(model.layers.1"),
        ("llama", "blocks.1.hook_mlp_in", r"some publishers mean the input of the MLP.*Candidates"),
        ("gpt_neox", "blocks.1.hook_resid_mid", "no module of this layer has that activation"),
        ("bert", "blocks.1.hook_mlp_out", r"Candidates in layer 1: resid_pre .*resid_post"),
        ("llama", "blocks.7.hook_resid_post", "got layer 7, expected one of the 2"),
        ("llama", "mlp", r"modules that fit: model.layers.0.mlp, model.layers.1.mlp"),
        ("llama", "transformer.wte", "modules that fit: none"),
    ],
)
def test_a_hook_without_a_site_is_refused_with_the_candidates(models, name, hook, message):
    with pytest.raises(ConfigError, match=message):
        site_of_hook(hook, models[name])


def test_the_heads_are_joined_in_the_order_of_the_projection(models):
    """hook_z has an axis of heads; joined, it is what the output projection reads."""
    model = models["llama"].model
    sites = block_sites(models["llama"], 1)
    seen = {}
    layer = model.model.layers[1].self_attn
    handle = layer.o_proj.register_forward_hook(
        lambda _, args, out: seen.update(z=args[0], out=out)
    )
    with torch.no_grad():
        model(torch.arange(8)[None])
    handle.remove()
    heads = seen["z"].unflatten(-1, (4, 4))  # TransformerLens' [batch, position, head, d_head]
    by_head = layer.o_proj.weight.unflatten(1, (4, 4))
    torch.testing.assert_close(torch.einsum("bphd,ohd->bpo", heads, by_head), seen["out"])
    assert sites.z == "model.layers.1.self_attn.o_proj:input"


def test_a_model_without_layers_is_refused():
    model = load_model(torch.nn.Linear(3, 3))
    with pytest.raises(ConfigError, match="got a model without a list of layers"):
        site_of_hook("blocks.0.hook_resid_post", model)
